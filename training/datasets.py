"""The data sets under training/data, read whole and checked, and how they are split."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES, SIDE

DATA = Path(__file__).parent / "data"
VALIDATION = 5_000  # the last of MNIST's 60,000: choices are made on them, no network learns from them

NOT_A_DIGIT = CLASSES  # the label of what is no digit

_IDX_HEAD = {"images": 16, "labels": 8}  # bytes before the values


class DatasetError(click.ClickException):
    """Raised when a data file is missing or is not the one that the figures were made with."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Pictures with what they show.

    Attributes:
        pictures: uint8 (n, SIDE, SIDE), 0 paper to 255 ink.
        labels: uint8 (n,), 0 to 9, or NOT_A_DIGIT.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Examples":
        return Examples(self.pictures[chosen], self.labels[chosen])


def joined(parts: list[Examples]) -> Examples:
    """Return all examples of the parts, in their order."""
    return Examples(np.concatenate([p.pictures for p in parts]), np.concatenate([p.labels for p in parts]))


def digests(folder: Path = DATA) -> dict[str, str]:
    """Return the SHA-256 of each data file by its name, as SHA256SUMS in the folder has them.

    Raises:
        DatasetError: when that is missing or damaged.
    """
    try:
        lines = (folder / "SHA256SUMS").read_text().splitlines()
        return {name: digest for digest, name in (line.split() for line in lines)}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder / 'SHA256SUMS'} cannot be read: check it out again with git") from error


def read_checked(name: str, folder: Path = DATA) -> bytes:
    """Return a data file's content, unpacked.

    Raises:
        DatasetError: when it is missing or changed.
    """
    try:
        packed = (folder / name).read_bytes()
    except OSError as error:
        raise DatasetError(f"{folder / name} is missing: check it out again with git") from error
    if hashlib.sha256(packed).hexdigest() != digests(folder).get(name):
        raise DatasetError(f"{folder / name} is not what SHA256SUMS says: check it out again with git")
    return gzip.decompress(packed)


def mnist_train() -> Examples:
    """Return the 55,000 of MNIST that networks learn from."""
    return _mnist("train")[:-VALIDATION]


def mnist_validation() -> Examples:
    """Return the 5,000 of MNIST's 60,000 that choices are made on."""
    return _mnist("train")[-VALIDATION:]


def mnist_test() -> Examples:
    """Return MNIST's 10,000 test digits; only training.evaluate asks for them."""
    return _mnist("t10k")


def _mnist(part: str) -> Examples:
    pictures = _idx(f"mnist/{part}-images-idx3-ubyte.gz", _IDX_HEAD["images"]).reshape(-1, SIDE, SIDE)
    return Examples(pictures, _idx(f"mnist/{part}-labels-idx1-ubyte.gz", _IDX_HEAD["labels"]))


def _idx(name: str, head: int) -> NDArray[np.uint8]:
    return np.frombuffer(read_checked(name), np.uint8, offset=head)
