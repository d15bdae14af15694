"""The drawings that models are judged by, from writers whom no network has seen, made into pictures as web does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.picture import Picture, pictures_from_ink
from training.canvas import CANVAS, draw, inked
from training.figures import Probabilities, confidence
from training.strangers import KINDS
from training.strokes import Strokes, Written

Classify = Callable[[NDArray[np.uint8]], Probabilities]

SIZES = (0.25, 0.4, 0.55, 0.7, 0.85)  # the ink's longest side as a share of the canvas
PENS = (12, 18, 24)  # pixels


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawing.

    Attributes:
        digits: what was drawn, as text; empty where it is no digit.
        pictures: what it came apart into.
    """

    digits: str
    pictures: list[Picture]


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read in some drawings, as a worker tells it.

    Attributes:
        digits: as text, each.
        right: bool (n,), whether that is what was drawn.
        confidence: (n,), the product over a drawing's pictures.
        weakest: (n,), that of the picture that is least sure: from the threshold on the drawing is sure.
    """

    digits: list[str]
    right: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    weakest: NDArray[np.float32]


def readings(drawings: Sequence[Drawn], classify: Classify) -> Readings:
    """Return what the classifier reads in the drawings."""
    answers = classify(np.stack([picture for drawn in drawings for picture in drawn.pictures]))
    starts = np.cumsum([0, *(len(drawn.pictures) for drawn in drawings)])[:-1]
    sure, parts = confidence(answers), np.split(answers.argmax(axis=1), starts[1:])
    digits = ["".join(map(str, part)) for part in parts]
    right = np.array([read == drawn.digits for read, drawn in zip(digits, drawings, strict=True)])
    return Readings(digits, right, np.multiply.reduceat(sure, starts), np.minimum.reduceat(sure, starts))


def anywhere(digits: Sequence[Written], times: int, seed: int) -> list[Drawn]:
    """Return the digits as written, 40 to 85 % of the canvas, pen 12 to 24 pixels, anywhere that fits."""
    random = np.random.default_rng((seed, 10))
    return _drawn([*digits] * times, lambda: (random.uniform(0.4, 0.85), random.uniform(12, 24)), random)


def at(digits: Sequence[Written], size: float, pen: float) -> list[Drawn]:
    """Return the digits as written, of one size and pen."""
    return _drawn(digits, lambda: (size, pen), np.random.default_rng(11))


def _drawn(
    digits: Sequence[Written], form: Callable[[], tuple[float, float]], random: np.random.Generator
) -> list[Drawn]:
    drawings: list[Drawn] = []
    for digit in digits:
        share, pen = form()
        ink = inked(digit.strokes, size=share * CANVAS, pen=pen, offset=random.random(2))
        drawings.append(Drawn(str(digit.label), pictures_from_ink(ink)))
    return drawings


def strangers(count: int, seed: int) -> dict[str, list[Drawn]]:
    """Return so many drawings of each kind that is no digit, made in other ways than training's."""
    random = np.random.default_rng((seed, 12))
    return {name: [Drawn("", pictures_from_ink(make(random))) for _ in range(count)] for name, make in KINDS.items()}


def numbers(digits: Sequence[Written], count: int, seed: int, *, touching: bool) -> list[Drawn]:
    """Return so many numbers of two to four digits, with clear gaps or spaced as by hand, partly touching."""
    random = np.random.default_rng((seed, 13, touching))
    return [_number(digits, 2 + n % 3, random, touching=touching) for n in range(count)]


def _number(digits: Sequence[Written], count: int, random: np.random.Generator, *, touching: bool) -> Drawn:
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
    return Drawn(text, pictures_from_ink(np.asarray(sheet)))
