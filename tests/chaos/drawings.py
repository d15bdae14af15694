"""Drawings that can be told apart, and orders that make the model misbehave at one of them."""

import hashlib
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.contract import CLASSES, NAMES
from shared.picture import pictures_from_png
from shared.settings import Settings
from tests.services.pngs import png
from worker.answering import Classify
from worker.classifier import load_classifier

SIZE = 280
EVERY = "every"  # the order that holds for every model call


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a client draws: the number of the drawing, its PNG, and what the model reads in it.

    Attributes:
        mark: by what its first picture is known in orders and in the check for doubles.
    """

    number: int
    png: bytes
    mark: str
    digits: str


def draw(number: int, classify: Classify) -> Drawing:
    """Return the drawing of that number, the same every time, and what the model reads in it."""
    chance = random.Random(number)  # noqa: S311 - repeatable on purpose
    image = Image.new("L", (SIZE, SIZE), 255)
    points = [(chance.randint(20, SIZE - 20), chance.randint(20, SIZE - 20)) for _ in range(7)]
    ImageDraw.Draw(image).line(points, fill=0, width=chance.randint(8, 24))
    drawn = png(image, compress_level=1)
    pictures = pictures_from_png(drawn)
    digits = "".join(NAMES[row.argmax()] for row in classify(np.stack(pictures)))
    return Drawing(number, drawn, mark_of(pictures[0].tobytes()), digits)


def mark_of(picture: bytes) -> str:
    """Return the picture's mark."""
    return hashlib.sha256(picture).hexdigest()[:24]


def classify_as_stub(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return as the digit of each picture one that depends on every pixel, as the stub model does."""
    ink = pictures.reshape(len(pictures), -1).astype(np.int64)
    return np.eye(CLASSES, dtype=np.float32)[ink @ np.arange(1, ink.shape[1] + 1) % CLASSES]


def real_classify() -> Classify:
    """Return what the shipped model does, without TensorFlow."""
    return load_classifier(Settings().model, runtime="onnx").classify


class Orders:
    """Files through which the harness tells model and store of a worker in another process what to do.

    An order is a word, or a word and a number: slow SECONDS, raise, abort, memory, exit, hang, kill-after-finish.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def give(self, mark: str, order: str) -> None:
        """Let the order hold from now on."""
        whole = self._folder / f"{mark}.new"
        whole.write_text(order)
        whole.rename(self._folder / mark)

    def take_back(self, mark: str) -> None:
        """Let the order hold no longer."""
        (self._folder / mark).unlink(missing_ok=True)

    def of(self, mark: str) -> str:
        """Return the order for a picture, empty when there is none."""
        try:
            return (self._folder / mark).read_text()
        except FileNotFoundError:
            return ""

    def take(self, mark: str) -> bool:
        """Tell whether there was such an order; only one process gets it."""
        try:
            (self._folder / mark).unlink()
        except FileNotFoundError:
            return False
        return True

    def note(self, mark: str) -> None:
        """Note that the model has begun with the picture."""
        (self._folder / f"{mark}.begun").write_text(str(time.time()))

    def begun(self, mark: str) -> bool:
        """Tell whether the model has ever begun with the picture."""
        return (self._folder / f"{mark}.begun").exists()
