# pyright: basic
# Keras and TensorFlow have no types.
"""Writes a trained network as the worker serves it, and what is known of it beside it."""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
from keras import layers

from shared.contract import SIDE
from training.datasets import digests

LIBRARIES = ("tensorflow-cpu", "keras", "numpy", "pillow", "onnx", "tf2onnx")


def served(network: keras.Model, temperature: float) -> keras.Model:
    """Return the model that takes pictures, uint8 (n, SIDE, SIDE), and answers calibrated probabilities (n, classes).

    The network is a float32 one, without optimiser, that answers logits.
    """
    pictures = layers.Input((SIDE, SIDE), dtype="uint8", name="pictures")
    ink = layers.Reshape((SIDE, SIDE, 1))(layers.Rescaling(1 / 255)(pictures))
    return keras.Model(pictures, layers.Softmax()(layers.Rescaling(1 / temperature)(network(ink))))


def save(model: keras.Model, path: Path, about: dict[str, Any]) -> None:
    """Write the model, its ONNX twin, and a JSON file beside them that starts with its version and SHA-256."""
    model.save(path)
    _export(model, path.with_suffix(".onnx"))
    digest = _sha256(path)
    facts = {
        "version": f"{path.stem}-{digest[:8]}",
        "sha256": digest,
        "onnx_sha256": _sha256(path.with_suffix(".onnx")),
        **about,
        "data": digests(),
        "libraries": {name: version(name) for name in LIBRARIES} | {"python": platform.python_version()},
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")


def _export(model: keras.Model, path: Path) -> None:
    signature = [keras.InputSpec(shape=(None, SIDE, SIDE), dtype="uint8", name="pictures")]
    model.export(path, format="onnx", input_signature=signature, verbose=False)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
