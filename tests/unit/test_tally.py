"""What a worker tells Prometheus and the status page of the drawings that it has held and answered."""

from contextlib import suppress

import pytest

from shared.contract import Prediction, State
from worker.counts import REGISTRY
from worker.tally import Tally


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"quill_{name}", labels) or 0


def test_answers_are_counted_by_their_end_and_timed_in_seconds() -> None:
    tally = Tally("tallied")
    sure, timed = value("confidence_count"), value("stage_seconds_sum", stage="model")
    done = Prediction(
        "a", (), 0, State.DONE, model_version="tallied", confidence=0.9, batch_size=3, stage_ms={"model": 500}
    )
    failed = Prediction("b", (), 0, State.FAILED, model_version="tallied", batch_size=3)
    tally.answered([done, done, failed])
    assert value("predictions_total", state="done", model_version="tallied") == 2
    assert value("predictions_total", state="failed", model_version="tallied") == 1
    assert value("confidence_count") == sure + 2  # what failed has none
    assert value("stage_seconds_sum", stage="model") == pytest.approx(timed + 1)
    assert tally.about()["batch_size"] == 3


def test_what_is_given_back_is_held_no_longer() -> None:
    tally = Tally("tallied")
    with suppress(OSError), tally.holding(5, redelivered=False):
        assert tally.about()["held"] == value("held_jobs") == 5
        raise OSError
    assert tally.about()["held"] == value("held_jobs") == 0
