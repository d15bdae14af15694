"""Train a model: `python -m training`."""

import os
from pathlib import Path

import click

from training.options import ARCHITECTURES, CONTEXT, MODELS, stopped_by_the_disk


@click.command(context_settings=CONTEXT)
@click.option("--architecture", type=click.Choice(ARCHITECTURES), default="default", help="What to train.")
@click.option(
    "--seed",
    type=click.IntRange(1, 2**32 - 1),  # 0 draws validation's pictures
    default=1,
    help="The same seed gives the same model, on the same machine.",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over MNIST, when not the architecture's own number.")
@MODELS
@click.option("--restart", is_flag=True, help="Forget what an interrupted run has left instead of going on there.")
@click.option(
    "--corrections", type=click.Path(path_type=Path), help="What GET /api/v1/corrections gave, to learn from."
)
def main(
    architecture: str, seed: int, epochs: int | None, models: Path, restart: bool, corrections: Path | None
) -> None:
    """Train a model from training/data and write it, with its figures beside it, for the worker.

    100 epochs of the default take 30 to 40 minutes on two cores without a GPU that compute in bfloat16 (`lscpu` tells
    amx_bf16 or avx512_bf16), and up to three hours on cores that do not.
    Stop it at any time (Ctrl-C): the same command goes on after the last whole epoch, kept under var/training.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from training.run import run  # noqa: PLC0415 - TensorFlow takes seconds to load, --help should not

    with stopped_by_the_disk():
        run(architecture, seed=seed, epochs=epochs, models=models, restart=restart, corrections=corrections)


if __name__ == "__main__":
    main()
