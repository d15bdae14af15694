"""The drawings that models are judged by, from writers whom no network has seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.numbers import digits_apart
from shared.picture import INK, Picture, picture_from_ink
from training.canvas import CANVAS, draw, picture
from training.datasets import NOT_A_DIGIT, Examples
from training.figures import Probabilities
from training.strangers import KINDS
from training.strokes import Strokes, Written

Classify = Callable[[NDArray[np.uint8]], Probabilities]

SIZES = (0.25, 0.4, 0.55, 0.7, 0.85)  # the ink's longest side as a share of the canvas
PENS = (12, 18, 24)  # pixels


def anywhere(digits: Sequence[Written], times: int, seed: int) -> Examples:
    """Return the digits as written, 40 to 85 % of the canvas, pen 12 to 24 pixels, anywhere that fits."""
    random = np.random.default_rng((seed, 10))
    return _drawn([*digits] * times, lambda: (random.uniform(0.4, 0.85), random.uniform(12, 24)), random)


def at(digits: Sequence[Written], size: float, pen: float) -> Examples:
    """Return the digits as written, of one size and pen."""
    return _drawn(digits, lambda: (size, pen), np.random.default_rng(11))


def _drawn(digits: Sequence[Written], form: Callable[[], tuple[float, float]], random: np.random.Generator) -> Examples:
    pictures: list[Picture] = []
    for digit in digits:
        share, pen = form()
        pictures.append(picture(digit.strokes, size=share * CANVAS, pen=pen, offset=random.random(2)))
    return Examples(np.stack(pictures), np.array([digit.label for digit in digits], np.uint8))


def strangers(count: int, seed: int) -> dict[str, Examples]:
    """Return so many pictures of each kind that is no digit, made in other ways than training's."""
    random = np.random.default_rng((seed, 12))
    labels = np.full(count, NOT_A_DIGIT, np.uint8)
    return {name: Examples(np.stack([make(random) for _ in range(count)]), labels) for name, make in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Number:
    """A drawing of several digits.

    Attributes:
        digits: what was written, as text.
        pictures: what it came apart into.
    """

    digits: str
    pictures: list[Picture]


def numbers(digits: Sequence[Written], count: int, seed: int, *, touching: bool) -> list[Number]:
    """Return so many numbers of two to four digits, with clear gaps or spaced as by hand, partly touching."""
    random = np.random.default_rng((seed, 13, touching))
    return [_number(digits, 2 + n % 3, random, touching=touching) for n in range(count)]


def numbers_right(trial: Sequence[Number], classify: Classify) -> tuple[float, float]:
    """Return the share of numbers with the right count of digits, and of those read rightly as a whole."""
    answers = classify(np.stack([each for number in trial for each in number.pictures])).argmax(axis=1)
    ends = np.cumsum([len(number.pictures) for number in trial])
    read = ["".join(map(str, part)) for part in np.split(answers, ends[:-1])]
    counted = [len(text) == len(number.digits) for text, number in zip(read, trial, strict=True)]
    same = [text == number.digits for text, number in zip(read, trial, strict=True)]
    return float(np.mean(counted)), float(np.mean(same))


def _number(digits: Sequence[Written], count: int, random: np.random.Generator, *, touching: bool) -> Number:
    pen, height = float(random.choice([8, 14, 18])), random.uniform(50, 120)
    strokes: Strokes = []
    text, right_edge, last = "", 0.0, 0.0
    for _ in range(count):
        digit = digits[int(random.integers(len(digits)))]
        size = height * np.exp(random.normal(0, 0.08))
        placed = [stroke * size for stroke in digit.strokes]
        points = np.concatenate(placed)
        width = float(np.ptp(points[:, 0])) + pen
        gap = random.uniform(-0.1, 0.3) * min(width, last or width) if touching else random.uniform(6, 25)
        left = right_edge + (gap if text else 0)
        move = np.array([left - points[:, 0].min() + pen / 2, random.normal(0, 0.04) * height])
        strokes += [stroke + move for stroke in placed]
        text, right_edge, last = text + str(digit.label), left + width, width
    sheet = Image.new("L", (int(right_edge) + 4, int(2 * height) + 80))
    draw(sheet, [stroke + np.array([2, sheet.height / 2]) for stroke in strokes], pen)
    parts = digits_apart(np.asarray(sheet), INK)
    return Number(text, [picture_from_ink(part) for part in parts])
