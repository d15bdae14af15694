"""The model card tells of the models that it is given, whichever they are."""

from typing import Any

from training.cards import model_card
from training.models import facts_of
from training.options import SHIPPED


def shipped(**changes: Any) -> dict[str, Any]:
    """Return what is known of the shipped model, with such changes."""
    return facts_of(SHIPPED / "default.keras") | changes


def test_the_card_shows_the_plots_of_the_model_that_it_describes() -> None:
    card = model_card([shipped(architecture="cnn", seed=5), shipped()])
    assert "`cnn` learnt with seed 5" in card
    assert "report/cnn-learning.png" in card
    assert "report/default-" not in card


def test_how_default_was_chosen_is_told_only_where_it_is_among_the_models() -> None:
    assert "Muon" in model_card([shipped()])
    assert "`default`" not in model_card([shipped(architecture="cnn")])


def test_the_card_tells_of_corrections_that_were_learnt_from() -> None:
    assert "corrections (1,200 pictures)" in model_card([shipped(corrections=1200)])
    assert "corrections" not in model_card([shipped(corrections=0)])
    assert "corrections" not in model_card([shipped()])


def test_the_card_tells_how_far_other_writers_are_from_those_of_the_test() -> None:
    numbers = {"clear": [0.96, 0.98], "by_hand": [0.9, 0.92]}
    found = {"epochs": 25, "writers": {"1": 0.98, "2": 0.99, "3": 1.0}, "numbers": numbers}
    card = model_card([shipped(crossvalidation=found)])
    assert "99.00 % were read rightly on average, 98.00 % at the worst" in card
    assert "standard deviation of 1.00 % between writers: 3 people's figure may be 1.15 % off" in card
    assert "96.0 %, 98.0 %, on average 97.0 %; spaced as by hand: 90.0 %, 92.0 %, on average 91.0 %" in card
    assert "Other writers" not in model_card([shipped(crossvalidation=None)])
