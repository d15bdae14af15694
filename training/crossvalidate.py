"""Judge `default`'s recipe on many more writers than test's three: `python -m training.crossvalidate`."""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from training.calibrate import probabilities
from training.judge import NUMBERS, SEED, TIMES, spaced
from training.models import facts_of, write_facts
from training.options import CONTEXT, MODELS, stopped_by_the_disk
from training.strokes import Written, by_writers, pen_digits
from training.trials import Classify, Drawn, anywhere, readings

if TYPE_CHECKING:  # TensorFlow takes seconds to load, --help should not
    from training.recipes import Recipe

FOLDER = Path("var/training/crossvalidation")


@click.command(context_settings=CONTEXT)
@click.option(
    "--folds", type=click.IntRange(2, 25), default=5, help="Networks to train, each without its share of the writers."
)
@click.option("--epochs", type=click.IntRange(1), default=25, help="Passes over MNIST for each of them.")
@MODELS
def main(folds: int, epochs: int, models: Path) -> None:
    """Train the default network several times, each time without some of the writers, and judge it on these.

    Notes in default.json how well each writer was read while unknown, and how well numbers of theirs; evaluate shows it
    in the model card. The networks themselves are not kept. By default it takes as long as `python -m training` and a
    half. Stop it at any time (Ctrl-C): the same command goes on after the last whole epoch.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from training.recipes import RECIPES, mixture  # noqa: PLC0415

    def recipe(digits: Sequence[Written]) -> "Recipe":
        return replace(RECIPES["default"], feed=partial(mixture, digits), epochs=epochs)

    path = models / "default.keras"
    facts_of(path)  # is there, as is found out now and not after hours
    folder = FOLDER / f"{folds}-{epochs}"
    with stopped_by_the_disk():
        found = cross_validated(by_writers(pen_digits())[0], recipe, folds=folds, folder=folder)
        write_facts(path, facts_of(path) | {"crossvalidation": {"epochs": epochs, **found}})
        shutil.rmtree(folder)


def cross_validated(
    digits: Sequence[Written],
    recipe: "Callable[[Sequence[Written]], Recipe]",
    *,
    folds: int,
    folder: Path,
    count: int = NUMBERS,
) -> dict[str, Any]:
    """Return the shares right of drawings by writers whom the network that read them had never seen.

    Args:
        digits: of all writers.
        recipe: makes the recipe that learns from these digits.
        folds: how many networks are trained, each without every so manieth writer.
        folder: where their states are kept.
        count: numbers of each kind, over all folds.

    Returns:
        "writers": the share right of each one's drawings, by writer; "numbers": the shares right in each fold, by
        spacing.
    """
    writers: dict[int, float] = {}
    numbers: defaultdict[str, list[float]] = defaultdict(list)
    everybody = sorted({digit.writer for digit in digits})
    for fold in range(folds):
        unknown = everybody[fold::folds]
        click.echo(f"network {fold + 1} of {folds}, without writers {', '.join(map(str, unknown))}", err=True)
        classify = _trained(recipe([digit for digit in digits if digit.writer not in unknown]), folder / str(fold))
        theirs = [digit for digit in digits if digit.writer in unknown]
        writers |= _by_writer(theirs, classify)
        for spacing, drawn in spaced(theirs, count // folds).items():
            numbers[spacing].append(_share_right(drawn, classify))
        told = [f"{spacing} {shares[-1]:.4f}" for spacing, shares in numbers.items()]
        click.echo(f"right: digits {np.mean([writers[writer] for writer in unknown]):.4f}, numbers {', '.join(told)}")
    return {"writers": writers, "numbers": numbers}


def _by_writer(digits: Sequence[Written], classify: Classify) -> dict[int, float]:
    by = {writer: [digit for digit in digits if digit.writer == writer] for writer in {d.writer for d in digits}}
    return {writer: _share_right(anywhere(theirs, TIMES, SEED), classify) for writer, theirs in by.items()}


def _share_right(drawings: Sequence[Drawn], classify: Classify) -> float:
    return round(float(readings(drawings, classify).right.mean()), 4)


def _trained(recipe: "Recipe", folder: Path) -> Classify:
    """Return what classifies with a network of the recipe."""
    from training.fit import fit, logits  # noqa: PLC0415
    from training.progress import Progress  # noqa: PLC0415

    network, _ = fit(recipe, seed=1, folder=folder, progress=Progress())
    return lambda pictures: probabilities(logits(network, pictures))


if __name__ == "__main__":
    main()
