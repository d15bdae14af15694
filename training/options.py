"""What several of training's commands have in common: options, and what they tell when they cannot write."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

ARCHITECTURES = ("default", "seed")  # the names of RECIPES: to import those takes seconds, which --help should not

SHIPPED = Path("worker/models")

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True}
MODELS = click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=SHIPPED,
    help="The folder of the models.",
)


@contextmanager
def stopped_by_the_disk() -> Generator[None]:
    """Tell that the block could not write: the disk is full, as a rule, after hours.

    Raises:
        click.ClickException: instead of any OSError.
    """
    try:
        yield
    except OSError as error:
        cure = "make room for var/training and the models, or let yourself write there"
        later = "the same command then goes on after the last whole epoch"
        raise click.ClickException(f"training has stopped ({error}): {cure}; {later}") from error
