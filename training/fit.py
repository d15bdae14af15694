# pyright: basic
# Keras and TensorFlow have no types.
"""Trains a recipe epoch by epoch: resumable, the same for the same seed, the best epoch by validation kept."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
from numpy.typing import NDArray

from training.datasets import Examples, digests
from training.feed import Feed
from training.fused import fused
from training.progress import Progress
from training.recipes import Recipe

AT_ONCE = 7  # steps that TensorFlow takes without asking Python: the same network, in a tenth less time

Network = Any  # keras.Model, whose annotations deny what its documentation allows


@dataclass
class History:
    """What is known after each epoch.

    Attributes:
        loss: the mean training loss.
        accuracy: the share right of the training batches, as distorted.
        validation: the share right by validation set.
        best: the number of the epoch whose weights are kept.
    """

    loss: list[float] = field(default_factory=list[float])
    accuracy: list[float] = field(default_factory=list[float])
    validation: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    best: int = -1

    def score(self, epoch: int) -> float:
        """Return the epoch's mean share right over the validation sets."""
        return float(np.mean(list(self.validation[epoch].values())))


def fit(recipe: Recipe, *, seed: int, folder: Path, progress: Progress) -> tuple[Network, History]:
    """Return the network with the weights of its best epoch, and its history.

    What is needed to go on after an interruption is kept in the folder after each epoch; a call with the same recipe,
    seed and folder goes on there, and ends as if it had never been interrupted.

    Raises:
        click.ClickException: when the folder's state is damaged, or is of another network, optimiser, feed or data.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(recipe.dtype())
    feed, validation = recipe.feed(seed), recipe.validation()
    fresh = _compiled(recipe, recipe.epochs * feed.steps)
    network, history = _resumed(folder, fresh, _fed(feed)) or (fresh, History())
    with progress.shown(recipe.epochs, feed.steps, feed.batch_size, done=len(history.loss)):
        for epoch in range(len(history.loss), recipe.epochs):
            _reseed(network, seed, epoch)
            batches = feed.epoch(epoch, recipe.strength(epoch))
            fitted = network.fit(batches, verbose=0, shuffle=False, callbacks=[progress.callback()]).history
            _note(history, fitted, {name: accuracy(network, examples) for name, examples in validation.items()})
            progress.epoch_done(epoch, history.loss[-1], history.validation[-1])
            if history.best == epoch:
                network.save(folder / "best.keras")  # on a full disk save_weights ends the process: h5py's own file
            _keep(network, history, folder)
    network.load_weights(folder / "best.keras")
    return network, history


def logits(network: Network, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the network's outputs, float32 (n, classes)."""
    ink = pictures[..., None].astype(np.float32) / 255
    return np.asarray(network.predict(ink, batch_size=500, verbose=0), np.float32)


def accuracy(network: Network, examples: Examples) -> float:
    """Return the share of examples whose label has the highest output."""
    return float((logits(network, examples.pictures).argmax(axis=1) == examples.labels).mean())


def _compiled(recipe: Recipe, steps: int) -> Network:
    network = fused(recipe.network())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(recipe.optimizer(steps), loss, metrics=["accuracy"], steps_per_execution=AT_ONCE)
    return network


def _reseed(network: Network, seed: int, epoch: int) -> None:
    """Begin the epoch's dropout by its number: Keras does not save how far its chance has got."""
    for number, layer in enumerate(network.layers):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign(np.random.default_rng((seed, epoch, number)).integers(2**31, size=2))


def _note(history: History, fitted: dict[str, list[float]], validation: dict[str, float]) -> None:
    history.loss.append(float(fitted["loss"][0]))
    history.accuracy.append(float(fitted["accuracy"][0]))
    history.validation.append(validation)
    epoch = len(history.loss) - 1
    if history.best < 0 or history.score(epoch) >= history.score(history.best):
        history.best = epoch


def _keep(network: Network, history: History, folder: Path) -> None:
    """Keep network, optimiser and history so that a stop at any moment leaves a whole state: the last or this one."""
    network.save(folder / "next.keras")
    (folder / "next.json").write_text(json.dumps(asdict(history)))
    (folder / "next.keras").replace(folder / f"after-{len(history.loss)}.keras")
    (folder / "next.json").replace(folder / "history.json")
    (folder / f"after-{len(history.loss) - 1}.keras").unlink(missing_ok=True)


def _resumed(folder: Path, fresh: Network, fed: dict[str, Any]) -> tuple[Network, History] | None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "history.json").exists():
        (folder / "fed.json").write_text(json.dumps(fed))
        return None
    try:
        fed_before = json.loads((folder / "fed.json").read_text())
        fields: dict[str, Any] = json.loads((folder / "history.json").read_text())
        history = History(**fields)
        network = keras.saving.load_model(folder / f"after-{len(history.loss)}.keras")
    except (OSError, TypeError, ValueError) as error:
        raise _unusable(folder, "is damaged") from error
    if _plan(network) != _plan(fresh):
        raise _unusable(folder, "is of another network or optimiser")
    if fed_before != fed:
        raise _unusable(folder, "has learnt from other data, or as another feed or distortion gave it")
    return network, history


def _plan(network: Network) -> list[dict[str, Any]]:
    """Return what the layers and the optimiser are, but for names, which Keras counts up, and this machine's dtype."""
    return [{**part.get_config(), "name": "", "dtype": ""} for part in (*network.layers, network.optimizer)]


def _fed(feed: Feed) -> dict[str, Any]:
    """Return what tells a feed from others: the data files and its first batch, by sums that all machines agree on."""
    ink, labels = next(iter(feed.epoch(0)))
    sums = {"ink": round(float(ink.numpy().sum(dtype=np.float64)), 1), "labels": int(labels.numpy().sum(dtype=int))}
    return {"data": digests(), **sums}


def _unusable(folder: Path, fault: str) -> click.ClickException:
    return click.ClickException(f"what {folder} has of an interrupted run {fault}: delete it, as --restart does")
