"""The options that several of training's commands take."""

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
