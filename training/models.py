"""Loads trained models to ask them."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES
from training.figures import Probabilities
from training.trials import Classify


def load(path: Path) -> Classify:
    """Return what classifies pictures with the model at path (.keras)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras: Any = import_module("keras")  # here, as it takes seconds, and as Any, as it has no types
    model = keras.saving.load_model(path, compile=False)

    def classify(pictures: NDArray[np.uint8]) -> Probabilities:
        return model.predict(pictures, batch_size=500, verbose=0)[:, :CLASSES]

    return classify
