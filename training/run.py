# pyright: basic
# Keras and TensorFlow have no types.
"""One training run from data to model file."""

import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any

import keras

from training.fit import fit
from training.progress import Progress
from training.recipes import RECIPES, Recipe
from training.saving import save, served

STATE = Path("var/training")  # what interrupted runs have left


def run(architecture: str, *, seed: int, epochs: int | None, models: Path, restart: bool) -> None:
    """Train the architecture's recipe and write ARCHITECTURE.keras and ARCHITECTURE.json into models."""
    recipe = RECIPES[architecture]
    recipe = dataclasses.replace(recipe, epochs=epochs or recipe.epochs)
    folder = STATE / f"{architecture}-{seed}-{recipe.epochs}"
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    progress = Progress()
    try:
        network, history = fit(recipe, seed=seed, folder=folder, progress=progress)
    finally:
        progress.stop()
    models.mkdir(parents=True, exist_ok=True)
    path = models / f"{architecture}.keras"
    about = {
        "architecture": architecture,
        "parameters": network.count_params(),
        "megaflop": megaflop(network),
        "seed": seed,
        "epochs": recipe.epochs,
        "best_epoch": history.best + 1,
        "validation": history.validation[history.best],
        "threshold": 0.5,
    }
    save(served(_plain(recipe, network), temperature=1.0), path, about)
    shutil.rmtree(folder)


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
