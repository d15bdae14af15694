"""Judge the trained models once, at the end: `python -m training.evaluate`."""

from pathlib import Path
from typing import Any

import click

from training.cards import data_card, model_card
from training.judge import Trials, figures, make_trials
from training.models import facts_of, load, models_in, write_facts
from training.options import CONTEXT, MODELS
from training.plots import draw_plots

HERE = Path(__file__).parent


@click.command(context_settings=CONTEXT)
@MODELS
def main(models: Path) -> None:
    """Judge all models there on drawings that they have never met.

    Writes the figures into the JSON files beside the models, and training/MODEL_CARD.md, training/DATA_CARD.md and
    training/report/ from them. Choose nothing by these figures: that is what validation is for.
    """
    known = {path: facts_of(path) for path in models_in(models)}
    trials = make_trials()
    judged = [_judged(path, facts, trials) for path, facts in known.items()]
    (HERE / "MODEL_CARD.md").write_text(model_card(judged))
    (HERE / "DATA_CARD.md").write_text(data_card())
    click.echo(f"written: {HERE / 'MODEL_CARD.md'}, {HERE / 'DATA_CARD.md'}, {HERE / 'report'}")


def _judged(path: Path, facts: dict[str, Any], trials: Trials) -> dict[str, Any]:
    """Add the model's figures to what is known of it, there and in its file; return it."""
    classify = load(path)
    facts["test"] = figures(trials, classify, facts["threshold"])
    write_facts(path, facts)
    draw_plots(facts, trials, classify, HERE / "report")
    test = facts["test"]
    click.echo(
        f"{facts['version']}: MNIST {test['mnist']['right']:.4f}, unknown writers {test['writers']['right']:.4f}"
    )
    return facts


if __name__ == "__main__":
    main()
