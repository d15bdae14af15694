"""Train an architecture from several seeds to see how far chance carries it: `python -m training.spread`."""

import os
import shutil
import statistics
from pathlib import Path

import click

from shared.contract import CLASSES
from training.models import facts_of, write_facts
from training.options import ARCHITECTURES, CONTEXT, MODELS, stopped_by_the_disk

FOLDER = Path("var/training/spread")


@click.command(context_settings=CONTEXT)
@click.option("--architecture", type=click.Choice(ARCHITECTURES), default="seed", help="What to train.")
@click.option("--seeds", type=click.IntRange(2), default=5, help="How many, from 1 on.")
@MODELS
def main(architecture: str, seeds: int, models: Path) -> None:
    """Train the architecture from several seeds; note each one's share right of MNIST's test set in its JSON file.

    Stop it at any time (Ctrl-C): the same command goes on after the last whole epoch of the last seed.
    It refuses to after a change of network, optimiser, feed or data; after one of validation remove var/training/spread
    first.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    path = models / f"{architecture}.keras"
    facts_of(path)  # is there, as is found out now and not after hours
    with stopped_by_the_disk():
        shares = {seed: _share_right(architecture, seed) for seed in range(1, seeds + 1)}
        spread = {"seeds": list(shares), "mnist": list(shares.values())}
        write_facts(path, facts_of(path) | {"spread": spread})
        for seed in shares:
            shutil.rmtree(_folder(architecture, seed))
    mean, deviation = statistics.mean(shares.values()), statistics.stdev(shares.values())
    click.echo(f"{architecture}, {seeds} seeds, MNIST test: mean {mean:.4f}, standard deviation {deviation:.4f}")


def _share_right(architecture: str, seed: int) -> float:
    from training.datasets import mnist_test  # noqa: PLC0415 - TensorFlow takes seconds to load, --help should not
    from training.fit import fit, logits  # noqa: PLC0415
    from training.progress import Progress  # noqa: PLC0415
    from training.recipes import RECIPES  # noqa: PLC0415

    network, _ = fit(RECIPES[architecture], seed=seed, folder=_folder(architecture, seed), progress=Progress())
    test = mnist_test()
    digits = logits(network, test.pictures)[:, :CLASSES].argmax(axis=1)  # as a worker answers, whatever is no digit
    return float((digits == test.labels).mean())


def _folder(architecture: str, seed: int) -> Path:
    """Return where a seed's state is kept until the spread of all is noted."""
    return FOLDER / f"{architecture}-{seed}"


if __name__ == "__main__":
    main()
