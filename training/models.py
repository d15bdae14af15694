"""Finds trained models and loads them to ask them."""

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES
from shared.model_file import ModelError, proved, training
from training.figures import Probabilities
from training.trials import Classify


def models_in(folder: Path) -> list[Path]:
    """Return the models (.keras) in the folder, by name.

    Raises:
        click.ClickException: when there is none.
    """
    paths = sorted(folder.glob("*.keras"))
    if not paths:
        raise click.ClickException(f"{folder} has no model: train one with `python -m training --models {folder}`")
    return paths


def facts_of(path: Path) -> dict[str, Any]:
    """Return what is known of the model at path (.keras): the JSON file beside it.

    Raises:
        click.ClickException: when that is missing, or tells of another model.
    """
    try:
        proved(path, "tensorflow")
    except ModelError as error:
        raise click.ClickException(f"{error.fault}: restore it with git, or train it: {training(path)}") from error
    return json.loads(path.with_suffix(".json").read_text())


def write_facts(path: Path, facts: dict[str, Any]) -> None:
    """Write what is known of the model at path (.keras) beside it, whole or not at all."""
    fresh = path.with_suffix(".json.fresh")
    fresh.write_text(json.dumps(facts, indent=2) + "\n")
    fresh.replace(path.with_suffix(".json"))


def load(path: Path) -> Classify:
    """Return what classifies pictures with the model at path (.keras)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras: Any = import_module("keras")  # here, as it takes seconds, and as Any, as it has no types
    model = keras.saving.load_model(path, compile=False)

    def classify(pictures: NDArray[np.uint8]) -> Probabilities:
        return model.predict(pictures, batch_size=500, verbose=0)[:, :CLASSES]

    return classify
