"""Choose the golden pictures, two of each digit that a worker must read rightly: `python -m training.golden`."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from shared.contract import CLASSES
from shared.model_file import GOLDEN
from training.datasets import Examples, joined, mnist_validation
from training.drawings import as_written
from training.models import load, models_in
from training.options import CONTEXT, MODELS, SHIPPED
from training.strokes import by_writers, pen_digits
from training.trials import Classify

CLEAR = 0.9  # the probability of the right digit from which a picture is clear enough to ask any model for it


@click.command(context_settings=CONTEXT)
@MODELS
def main(models: Path) -> None:
    """Choose of each digit one picture of MNIST's and one drawing of validation that all models read clearly."""
    classifiers = [load(path) for path in models_in(models)]
    sources = [mnist_validation(), as_written(by_writers(pen_digits())[1], 1, 0)]
    golden = joined([first_of_each(clear(source, classifiers)) for source in sources])
    if len(golden) < len(sources) * CLASSES:
        raise click.ClickException(f"a digit is there that not all models in {models} read clearly: train them longer")
    np.savez_compressed(models / GOLDEN, pictures=golden.pictures, labels=golden.labels)
    click.echo(f"{len(golden)} pictures are in {models / GOLDEN}")


def provide(models: Path) -> None:
    """Copy the shipped golden pictures into the folder if it has none, as no worker serves a model without."""
    if not (models / GOLDEN).exists() and (SHIPPED / GOLDEN).exists():
        shutil.copyfile(SHIPPED / GOLDEN, models / GOLDEN)


def clear(source: Examples, classifiers: Sequence[Classify]) -> Examples:
    """Return the examples that all classifiers read rightly and surely."""
    rows = np.arange(len(source))
    sure = [classify(source.pictures)[rows, source.labels] > CLEAR for classify in classifiers]
    return source[np.logical_and.reduce(sure)]


def first_of_each(source: Examples) -> Examples:
    """Return the first example of each label."""
    return source[np.unique(source.labels, return_index=True)[1]]


if __name__ == "__main__":
    main()
