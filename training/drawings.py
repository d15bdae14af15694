"""Makes examples of drawings: people's strokes, and what is no digit, in many sizes and pens, by seed."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import track

from shared.picture import Picture
from training.canvas import random_picture
from training.datasets import NOT_A_DIGIT, Examples
from training.habits import with_habits
from training.junk import junk
from training.strokes import Written, bent

CONSOLE = Console(stderr=True)


def written(digits: Sequence[Written], times: int, seed: int) -> Examples:
    """Return each digit drawn so many times, each time bent in another way, with habits."""
    random = np.random.default_rng((seed, 1))
    chosen = track(list(digits) * times, "drawing digits", console=CONSOLE)
    pictures = [random_picture(bent(with_habits(digit, random), random), random) for digit in chosen]
    return _examples(pictures, [digit.label for digit in digits] * times)


def as_written(digits: Sequence[Written], times: int, seed: int) -> Examples:
    """Return each digit drawn so many times as its writer wrote it, in other sizes and pens."""
    random = np.random.default_rng((seed, 2))
    return _examples(
        [random_picture(digit.strokes, random) for digit in digits for _ in range(times)],
        [digit.label for digit in digits for _ in range(times)],
    )


def not_digits(digits: Sequence[Written], count: int, seed: int) -> Examples:
    """Return so many drawings of what is no digit."""
    random = np.random.default_rng((seed, 3))
    rounds = track(range(count), "drawing what is no digit", console=CONSOLE)
    return _examples([random_picture(junk(digits, random), random) for _ in rounds], [NOT_A_DIGIT] * count)


def _examples(pictures: Sequence[Picture], labels: Sequence[int]) -> Examples:
    return Examples(np.stack(pictures), np.array(labels, np.uint8))
