"""Ways to write digits that MNIST and the pen strokes hardly have: slashed, crossed, footed, open, hooked."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.strokes import Strokes, Written, fitted


def with_habits(digit: Written, random: np.random.Generator) -> Strokes:
    """Return the digit's strokes, now and then with a habit of its digit added or written in a habit's way."""
    chance, habit = HABITS.get(digit.label, (0.0, _as_it_is))
    return fitted(habit(digit.strokes, random)) if random.random() < chance else digit.strokes


def _as_it_is(strokes: Strokes, _: np.random.Generator) -> Strokes:
    return strokes


def _zero(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Slash the zero, or write one whose ends cross at its top and stand out or curl in."""
    return _slashed_zero(strokes, random) if random.random() < 0.6 else _knotted_zero(random)


def _knotted_zero(random: np.random.Generator) -> Strokes:
    turn = np.linspace(random.uniform(-0.4, 0.1), 2 * np.pi + random.uniform(-0.1, 0.5), 30)
    width = random.uniform(0.25, 0.45)
    oval = np.stack([-width * np.sin(turn), -0.5 * np.cos(turn)], axis=1)
    ends = oval[[0, -1]] + random.uniform((-0.1, -0.25), (0.35, 0.3), (2, 2))
    first, last = random.integers(2, size=2)
    return [np.concatenate([ends[:first], oval, ends[2 - last :]]) * (random.choice([-1, 1], p=[0.3, 0.7]), 1)]


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
        stem = np.concatenate([_flag(random), stem])
    left, right = random.uniform(0.12, 0.5, 2)
    ground = 0.5 - random.choice([0, random.uniform(0, 0.2)])  # the stem may go on below it
    base = _line((stem[-1, 0] - left, ground), (stem[-1, 0] + right, ground + random.normal(0, 0.03)))
    return [stem, base] if foot else [stem]


def _flag(random: np.random.Generator) -> NDArray[np.float64]:
    """Return a one's flag up to the stem: straight, or round and folded to the stem."""
    if random.random() < 0.6:
        return np.array([(-random.uniform(0.06, 0.45), -0.5 + random.uniform(0.08, 0.65))])
    out, down = random.uniform(0.05, 0.3), random.uniform(0.15, 0.6)
    tip = (-out * random.random(), down - 0.5)
    return _rounded([tip, (-out, down * random.uniform(0.5, 1.1) - 0.5), (-out, -0.45), (0, -0.5)])


def _two(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a two whose base is a line, long or short."""
    left, right, foot = -random.uniform(0.2, 0.35), random.uniform(0.2, 0.4), -random.uniform(0.02, 0.35)
    bow = [(left, random.uniform(-0.4, -0.2)), (left, -0.5), (0, -0.6), (right, -0.5), (right, random.uniform(-0.2, 0))]
    base = random.choice([random.uniform(0.12, 0.25), random.uniform(0.3, 0.7)])
    return [np.concatenate([_rounded([*bow, (foot, 0.45)]), [(foot + base, 0.45 + random.normal(0, 0.04))]])]


def _three(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a three whose waist is anything between hardly there and deep."""
    left, top = random.uniform(-0.35, -0.1), random.uniform(0.1, 0.3)
    deep, waist = random.random(), random.normal(0, 0.06)
    head = [(left, random.uniform(-0.5, -0.35)), (0, -0.55), (top, -0.5), (top, -0.2)]
    middle = [(top * (1 - deep), waist - 0.02), (top * (1 - deep), waist + 0.02)]
    belly = [(random.uniform(0.2, 0.35), 0.05), (0.3, 0.5), (random.uniform(-0.1, 0.1), 0.52)]
    return [_rounded([*head, *middle, *belly, (random.uniform(-0.4, -0.1), random.uniform(0.25, 0.5))])]


def _four(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a four, open at its top or closed, its corner sharp or round, in two strokes."""
    bar, stem = random.uniform(0, 0.25), random.uniform(0, 0.25)
    top = (random.uniform(-0.4, -0.1), -0.5) if random.random() < 0.5 else (stem, -0.5)
    angle = [top, (random.uniform(-0.4, -0.15), bar), (random.uniform(0.25, 0.5), bar + random.normal(0, 0.04))]
    pen = _rounded(angle) if random.random() < 0.3 else np.array(angle)
    return [pen, _line((stem, random.uniform(-0.5, -0.1)), (stem + random.normal(0, 0.05), 0.5))]


def _five(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write a five whose bar is long or short, and often loose."""
    left, top, waist = random.uniform(-0.3, -0.1), random.uniform(-0.5, -0.4), random.uniform(-0.15, 0.05)
    belly = [(left + 0.1, waist - 0.05), (random.uniform(0.25, 0.4), waist), (random.uniform(0.25, 0.4), 0.45)]
    end = [(random.uniform(-0.1, 0.1), 0.52), (random.uniform(-0.4, -0.2), random.uniform(0.3, 0.5))]
    body = np.concatenate([[(left, top)], _rounded([(left - random.uniform(0, 0.08), waist), *belly, *end])])
    bar = _line((left, top), (left + random.uniform(0.3, 0.8), top + random.normal(-0.02, 0.05)))
    loose = random.normal(0, 0.04, 2)
    return [body, bar + loose] if random.random() < 0.6 else [np.concatenate([bar[::-1], body])]


def _eight(_: Strokes, random: np.random.Generator) -> Strokes:
    """Write an eight in one stroke, its lower loop large or small, begun at its waist or its top, which stays open."""
    upper, lower = random.uniform(0.18, 0.32), random.uniform(0.18, 0.32) * random.uniform(0.25, 1)
    waist = random.uniform(0, 0.3)  # a small lower loop leaves a low waist
    begun = _eight_from_waist if random.random() < 0.3 else _eight_from_top
    return [begun(upper, lower, waist, random)]


def _eight_from_waist(upper: float, lower: float, waist: float, random: np.random.Generator) -> NDArray[np.float64]:
    high, low = (waist - 0.5) / 2, (waist + 0.5) / 2
    over = [(upper, high), (upper / 2, -0.55), (-upper, -0.5), (-upper, high)]
    under = [(lower, low), (lower / 2, 0.55), (-lower, 0.5), (-lower, low)]
    start = (random.uniform(-0.45, 0), waist + random.normal(-0.05, 0.08))
    return _rounded([start, (0, waist), *over, (0, waist), *under, (random.uniform(-0.1, 0.1), waist)])


def _eight_from_top(upper: float, lower: float, waist: float, random: np.random.Generator) -> NDArray[np.float64]:
    turn = np.linspace(random.uniform(0, 0.9), 2 * np.pi - random.uniform(0, 0.9), 40)
    above = np.cos(turn) > 0
    width = (lower + (upper - lower) * above) * random.choice([-1, 1])
    eight = np.stack([width * np.sin(2 * turn), waist - (0.5 + waist * (2 * above - 1)) * np.cos(turn)], axis=1)
    away = eight[[0, -1]] + random.uniform(0, 0.15, (2, 2)) * np.sign(eight[[0, -1]]) * (1, 0.5)
    return np.array([away[0], *eight, away[1]])


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
    """Write a nine: a bow, large or small, open or closed, and a tail that is straight, hooked or swung far out."""
    tail = (_straight_tail, _hooked_tail, _swung_tail)[random.choice(3, p=[0.4, 0.35, 0.25])]
    smallest = 0.18 if tail is _straight_tail else 0.12  # smaller on a straight tail, it is a one
    width, height = random.uniform(smallest, 0.3), random.uniform(smallest, 0.3)
    turn = np.linspace(random.uniform(-0.9, 0), -2 * np.pi + random.uniform(-0.1, 0.3), 24)
    bow = np.stack([width * np.cos(turn), -0.5 + height + height * np.sin(turn)], axis=1)
    return [bow, tail(width, height, random)]


def _straight_tail(width: float, height: float, random: np.random.Generator) -> NDArray[np.float64]:
    return _line((width, -0.5 + random.uniform(0, height)), (random.uniform(0, 0.25), 0.5))


def _hooked_tail(width: float, height: float, random: np.random.Generator) -> NDArray[np.float64]:
    hook, reach = np.linspace(0, np.pi * random.uniform(0.5, 0.9), 12), random.uniform(0.15, 0.3)
    tail = np.stack([width - reach + reach * np.cos(hook), 0.5 - reach + reach * np.sin(hook)], axis=1)
    return np.concatenate([[(width, -0.5 + height)], tail])


def _swung_tail(width: float, height: float, random: np.random.Generator) -> NDArray[np.float64]:
    out = width + random.uniform(0, 0.25)
    end = (-random.uniform(0.1, 0.5), 0.5)
    return _rounded([(width, height - 0.5), (width, random.uniform(-0.3, 0)), (out, 0.5), end])


def _rounded(corners: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return the way past the corners with each of them cut, and cut again."""
    way = np.array(corners, float)
    for _ in range(3):
        cut = np.stack([0.75 * way[:-1] + 0.25 * way[1:], 0.25 * way[:-1] + 0.75 * way[1:]], axis=1).reshape(-1, 2)
        way = np.concatenate([way[:1], cut, way[-1:]])
    return way


def _line(start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([start, end], float)


HABITS: dict[int, tuple[float, Callable[[Strokes, np.random.Generator], Strokes]]] = {
    0: (0.3, _zero),
    1: (0.45, _one),
    2: (0.1, _two),
    3: (0.15, _three),
    4: (0.3, _four),
    5: (0.15, _five),
    7: (0.4, _seven),
    8: (0.25, _eight),
    9: (0.25, _nine),
}
