# pyright: basic
# Keras and TensorFlow have no types.
"""Writes a trained network as the worker serves it, and what is known of it beside it."""

import hashlib
import platform
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
from keras import layers

from shared.contract import SIDE
from training.models import write_facts

LIBRARIES = ("tensorflow-cpu", "keras", "numpy", "pillow", "onnx", "tf2onnx")


def served(network: keras.Model, temperature: float) -> keras.Model:
    """Return the model that takes pictures, uint8 (n, SIDE, SIDE), and answers calibrated probabilities (n, classes).

    The network is a float32 one, without optimiser, that answers logits.
    """
    pictures = layers.Input((SIDE, SIDE), dtype="uint8", name="pictures")
    ink = layers.Reshape((SIDE, SIDE, 1))(layers.Rescaling(1 / 255)(pictures))
    return keras.Model(pictures, layers.Softmax()(layers.Rescaling(1 / temperature)(network(ink))))


def save(model: keras.Model, path: Path, about: dict[str, Any]) -> None:
    """Write the model, its ONNX twin, and a JSON file beside them that starts with its version and SHA-256.

    All are whole before the first of them takes its place: a worker may start meanwhile, and training be killed.
    """
    with _fresh_folder(path.with_suffix(".fresh")) as folder:
        fresh = folder / path.name
        model.save(fresh)
        _export(model, fresh.with_suffix(".onnx"))
        digest, onnx_digest = _sha256(fresh), _sha256(fresh.with_suffix(".onnx"))
        facts = {
            "version": f"{path.stem}-{digest[:8]}",
            "sha256": digest,
            "onnx_sha256": onnx_digest,
            **about,
            "libraries": {name: version(name) for name in LIBRARIES} | {"python": platform.python_version()},
        }
        write_facts(fresh, facts)
        for suffix in (".keras", ".onnx", ".json"):
            fresh.with_suffix(suffix).replace(path.with_suffix(suffix))


@contextmanager
def _fresh_folder(path: Path) -> Generator[Path]:
    """Give an empty folder for as long as the block runs; what a killed run left there goes."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _export(model: keras.Model, path: Path) -> None:
    signature = [keras.InputSpec(shape=(None, SIDE, SIDE), dtype="uint8", name="pictures")]
    model.export(path, format="onnx", input_signature=signature, verbose=False)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
