"""What the peers share: the drawing read with Pillow, as anybody would, and the seed's network."""

import io
from base64 import b64decode
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MODEL = Path("worker/models/seed.keras")
INK = 32


def picture_from_data_url(url: str) -> NDArray[np.uint8]:
    """Return the picture, uint8 (28, 28), of data:image/png;base64,..."""
    return picture_from_png(b64decode(url.partition(",")[2]))


def picture_from_png(png: bytes) -> NDArray[np.uint8]:
    """Return the picture, uint8 (28, 28), of black ink on white paper: the same as Quill's, pixel by pixel."""
    ink = 255 - np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    rows, columns = np.flatnonzero((ink > INK).any(axis=1)), np.flatnonzero((ink > INK).any(axis=0))
    crop = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = 20 / max(crop.size)
    digit = np.asarray(crop.resize((max(1, round(crop.width * scale)), max(1, round(crop.height * scale))), 2))
    picture = np.zeros((28, 28), np.uint8)
    top, left = _offset(digit.sum(axis=1)), _offset(digit.sum(axis=0))
    picture[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return picture


def _offset(mass: NDArray[np.uint64]) -> int:
    centre = float(mass @ np.arange(len(mass))) / float(mass.sum())
    return min(max(0, round(13.5 - centre)), 28 - len(mass))
