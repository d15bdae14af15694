"""Makes the golden pictures: two of each digit that a worker must read rightly before it says that it is ready."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.datasets import Examples, joined

CLEAR = 0.99  # the probability of the right digit from which a picture is clear enough to ask any model for it


def write_golden(
    sources: list[Examples], classify: Callable[[NDArray[np.uint8]], NDArray[np.float32]], path: Path
) -> None:
    """Write the first picture of each digit in each source that the classifier reads clearly."""
    golden = joined([_first_of_each(_clear(source, classify)) for source in sources])
    np.savez_compressed(path, pictures=golden.pictures, labels=golden.labels)


def _clear(source: Examples, classify: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> Examples:
    return source[classify(source.pictures)[np.arange(len(source)), source.labels] > CLEAR]


def _first_of_each(source: Examples) -> Examples:
    return source[np.unique(source.labels, return_index=True)[1]]
