# pyright: basic
# Keras and TensorFlow have no types.
"""One training run from data to model file."""

import hashlib
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click
import keras

from training.calibrate import probabilities, temperature, threshold
from training.corrections import read_corrections
from training.datasets import DatasetError, Examples, digests, joined
from training.feed import Feed, Source
from training.fit import History, fit, logits
from training.golden import provide
from training.progress import Progress
from training.recipes import RECIPES, Recipe
from training.saving import save, served

STATE = Path("var/training")  # what interrupted runs have left
CORRECTED = 32  # other examples of a batch for each correction in it


def run(
    architecture: str, *, seed: int, epochs: int | None, models: Path, restart: bool, corrections: Path | None
) -> None:
    """Train the architecture's recipe and write ARCHITECTURE.keras, .onnx and .json into models.

    Golden pictures come beside them if there are none.

    Raises:
        DatasetError: when a data file or the corrections are missing or not what they should be.
        click.ClickException: when nothing can be written into models.
    """
    recipe = RECIPES[architecture]
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    folder = STATE / f"{architecture}-{seed}-{recipe.epochs}"
    corrected = learnable(read_corrections(corrections), recipe) if corrections else None
    if corrected:
        recipe = learning_from(corrected, recipe)
        folder = folder.with_name(f"{folder.name}-{fingerprint(corrected)}")
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    _check_writable(models)
    learnt = f", corrected pictures {len(corrected)}" if corrected else ""
    words = f"training {architecture} (seed {seed}, epochs {recipe.epochs}{learnt}): an epoch is told when it is over"
    click.echo(f"{words}, the first after minutes", err=True)
    network, history = fit(recipe, seed=seed, folder=folder, progress=Progress())
    known = _known(recipe, network, history) | {"architecture": architecture, "seed": seed, "data": digests()}
    known |= {"corrections": len(corrected)} if corrected else {}
    save(served(_plain(recipe, network), known["temperature"]), models / f"{architecture}.keras", known)
    provide(models)
    shutil.rmtree(folder)


def _check_writable(models: Path) -> None:
    """Find out before hours of training whether their outcome can be kept."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=models):
            pass
    except OSError as error:
        raise click.ClickException(f"{models} cannot be written ({error.strerror}): name another folder") from error


def learnable(corrected: Examples, recipe: Recipe) -> Examples:
    """Return the corrections for which the network has a class: that of 2019 has none for what is no digit.

    Raises:
        DatasetError: when it has one for none of them.
    """
    known = corrected[corrected.labels < recipe.network().output_shape[-1]]
    if not known:
        raise DatasetError("the corrections all show no digit, and this network has no class for it: train another")
    return known


def fingerprint(examples: Examples) -> str:
    """Return eight characters that differ for other pictures or labels."""
    return hashlib.sha256(examples.pictures.tobytes() + examples.labels.tobytes()).hexdigest()[:8]


def learning_from(corrected: Examples, recipe: Recipe) -> Recipe:
    """Return the recipe with corrections in every batch, one for each CORRECTED others."""

    def feed(seed: int) -> Feed:
        plain = recipe.feed(seed)
        return plain.and_also(Source(corrected, max(1, plain.batch_size // CORRECTED)))

    return replace(recipe, feed=feed)


def _known(recipe: Recipe, network: keras.Model, history: History) -> dict[str, Any]:
    """Return what is known of the network from training and validation."""
    sets = recipe.validation()
    examples = joined(list(sets.values()))
    outputs = logits(network, examples.pictures)
    by = temperature(outputs, examples.labels)
    return {
        "parameters": network.count_params(),
        "megaflop": megaflop(network),
        "epochs": len(history.loss),
        "best_epoch": history.best + 1,
        "temperature": by,
        "threshold": threshold(probabilities(outputs / by), examples),
        "validation": history.validation[history.best],
        "history": asdict(history),
    }


def _plain(recipe: Recipe, network: keras.Model) -> keras.Model:
    """Return the network as it is used: float32, and without its optimiser."""
    keras.config.set_dtype_policy("float32")
    plain = recipe.network()
    plain.set_weights(network.get_weights())
    return plain


def megaflop(network: keras.Model) -> float:
    """Return the cost of one picture in millions of operations, two for each multiplication of a kernel."""
    layers: list[Any] = [layer for layer in network.layers if hasattr(layer, "kernel")]
    places = [math.prod(layer.output.shape[1:-1]) for layer in layers]
    return round(sum(2 * math.prod(layer.kernel.shape) * n for layer, n in zip(layers, places, strict=True)) / 1e6, 2)
