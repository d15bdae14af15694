"""Judge the trained models once, at the end: `python -m training.evaluate`."""

import json
from pathlib import Path
from typing import Any

import click

from training.cards import data_card, model_card
from training.judge import Trials, figures, make_trials
from training.models import load, models_in
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
    paths = models_in(models)
    trials = make_trials()
    judged = [_judged(path, trials) for path in paths]
    (HERE / "MODEL_CARD.md").write_text(model_card(judged))
    (HERE / "DATA_CARD.md").write_text(data_card())
    click.echo(f"written: {HERE / 'MODEL_CARD.md'}, {HERE / 'DATA_CARD.md'}, {HERE / 'report'}")


def _judged(path: Path, trials: Trials) -> dict[str, Any]:
    """Return what is known of the model, its figures added, there and in its file."""
    facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    classify = load(path)
    facts["test"] = figures(trials, classify, facts["threshold"])
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    draw_plots(facts, trials, classify, HERE / "report")
    test = facts["test"]
    click.echo(
        f"{facts['version']}: MNIST {test['mnist']['right']:.4f}, unknown writers {test['writers']['right']:.4f}"
    )
    return facts


if __name__ == "__main__":
    main()
