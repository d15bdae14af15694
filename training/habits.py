"""Ways to write digits that MNIST and the pen strokes hardly have: slashed, crossed, footed, open, hooked."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.strokes import Strokes, Written, fitted


def with_habits(digit: Written, random: np.random.Generator) -> Strokes:
    """Return the digit's strokes, now and then with a habit of its digit added or written in a habit's way."""
    chance, habit = HABITS.get(digit.label, (0.0, _as_it_is))
    return fitted(habit(digit.strokes, random)) if random.random() < chance else digit.strokes


def _as_it_is(strokes: Strokes, _: np.random.Generator) -> Strokes:
    return strokes


def _slashed_zero(strokes: Strokes, random: np.random.Generator) -> Strokes:
    points = np.concatenate(strokes)
    reach = (points.max(axis=0) - points.min(axis=0)) * random.uniform(0.35, 0.65) * (1, -1)
    way = random.choice([-1, 1], p=[0.1, 0.9])
    return [*strokes, np.array([-reach, reach]) * (way, 1) + random.normal(0, 0.03, (2, 2))]


def _one(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a one as a bar, mostly with a flag, often with a foot."""
    stem = _line((0, -0.5), (random.normal(0, 0.05), 0.5))
    flag, foot = random.random() < 0.75, random.random() < 0.5
    if flag:
        tip = (-random.uniform(0.06, 0.45), -0.5 + random.uniform(0.08, 0.65))
        stem = np.concatenate([[tip], stem])
    left, right = random.uniform(0.12, 0.5, 2)
    base = _line((stem[-1, 0] - left, 0.5), (stem[-1, 0] + right, 0.5 + random.normal(0, 0.03)))
    return [stem, base] if foot else [stem]


def _four(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a four, open at its top or closed, in two strokes."""
    bar, stem = random.uniform(0, 0.25), random.uniform(0, 0.25)
    top = (random.uniform(-0.4, -0.1), -0.5) if random.random() < 0.6 else (stem, -0.5)
    angle = np.array([top, (-0.4, bar), (random.uniform(0.25, 0.5), bar)])
    return [angle, _line((stem, random.uniform(-0.5, -0.1)), (stem + random.normal(0, 0.05), 0.5))]


def _seven(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Write a seven anew, or keep it, mostly with a bar through its stem."""
    if random.random() < 0.5:
        corner = np.array([(-0.35, -0.45), (0.35, -0.5), (random.uniform(-0.2, 0.1), 0.5)])
        serif = [(-0.35, random.uniform(-0.4, -0.25))] if random.random() < 0.3 else []
        strokes = [np.concatenate([*([serif] if serif else []), corner])]
    if random.random() < 0.25:
        return strokes
    points = np.concatenate(strokes)
    height = random.uniform(-0.1, 0.15)
    middle = points[np.abs(points[:, 1] - height).argmin(), 0] if len(points) > 3 else 0.14
    left, right = random.uniform(0.12, 0.35, 2)
    return [*strokes, _line((middle - left, height), (middle + right, height + random.normal(0, 0.04)))]


def _nine(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a nine: a bow, open or closed, and a tail that is straight or hooked."""
    turn = np.linspace(random.uniform(-0.9, 0), -2 * np.pi + random.uniform(-0.1, 0.3), 24)
    width, height = random.uniform(0.2, 0.3), random.uniform(0.2, 0.3)
    bow = np.stack([width * np.cos(turn), -0.5 + height + height * np.sin(turn)], axis=1)
    if random.random() < 0.5:
        tail = _line((width, -0.5 + random.uniform(0, height)), (random.uniform(0, 0.25), 0.5))
    else:
        hook = np.linspace(0, np.pi * random.uniform(0.5, 0.9), 12)
        tail = np.stack([width * np.cos(hook), 0.5 - width + width * np.sin(hook)], axis=1)
        tail = np.concatenate([[(width, -0.5 + height)], tail])
    return [bow, tail]


def _line(start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([start, end], float)


HABITS: dict[int, tuple[float, Callable[[Strokes, np.random.Generator], Strokes]]] = {
    0: (0.2, _slashed_zero),
    1: (0.4, _one),
    4: (0.25, _four),
    7: (0.4, _seven),
    9: (0.15, _nine),
}
