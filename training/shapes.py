"""Shapes that people doodle, as pen strokes."""

import numpy as np
from numpy.typing import NDArray

from training.strokes import Strokes, fitted


def shape(random: np.random.Generator) -> Strokes:
    """Return a shape that people doodle, longest side 1."""
    shapes = (_polygon, _star, _heart, _arrow, _cross, _check, _zigzag, _wave, _spiral, _grid, _dash, _house, _face)
    return fitted(shapes[random.integers(len(shapes))](random))


def _polygon(random: np.random.Generator) -> Strokes:
    corners = int(random.integers(3, 7))
    turn = np.linspace(0, 2 * np.pi, corners + 1) + random.uniform(0, 2 * np.pi)
    if corners == 4 and random.random() < 0.7:
        turn = np.linspace(0, 2 * np.pi, 5) + np.pi / 4
    return [_round(turn) * (1, random.uniform(0.5, 1.6))]


def _star(random: np.random.Generator) -> Strokes:
    points = int(random.integers(5, 8))
    if random.random() < 0.4:
        return [
            np.stack([-ray, ray]) for ray in _round(np.linspace(0, np.pi, points // 2 + 1)[:-1] + random.uniform(0, 1))
        ]
    turn = np.linspace(0, 2 * np.pi, 2 * points + 1) - np.pi / 2
    return [_round(turn) * np.where(np.arange(len(turn)) % 2, random.uniform(0.3, 0.6), 1)[:, None]]


def _heart(_: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi, 40)
    x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([x, -y], axis=1)]


def _arrow(random: np.random.Generator) -> Strokes:
    wing = random.uniform(0.2, 0.6)
    arrow: Strokes = [np.array([(-1.0, 0.0), (1, 0)]), np.array([(1 - wing, -wing), (1, 0), (1 - wing, wing)])]
    return _turned(arrow, random.uniform(0, 2 * np.pi))


def _cross(random: np.random.Generator) -> Strokes:
    cross = [np.array([(-1.0, 0.0), (1, 0)]), np.array([(0.0, -1.0), (0, 1)]) * random.uniform(0.7, 1.4)]
    return _turned(cross, random.choice([0, np.pi / 4]))


def _check(random: np.random.Generator) -> Strokes:
    return [np.array([(-1, random.uniform(-0.3, 0.2)), (-0.4, 0.7), (1, random.uniform(-1.2, -0.4))])]


def _zigzag(random: np.random.Generator) -> Strokes:
    count = int(random.integers(4, 9))
    height = random.uniform(0.5, 2)
    zigzag = np.stack([np.arange(count), height * (np.arange(count) % 2)], axis=1).astype(float)
    return _turned([zigzag], random.choice([0, np.pi / 2]))


def _wave(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi * random.uniform(1.5, 4), 60)
    return _turned([np.stack([t, np.sin(t) * random.uniform(0.7, 3)], axis=1)], random.choice([0, np.pi / 2]))


def _spiral(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi * random.uniform(2, 4), 90) * random.choice([-1, 1])
    return [_round(t) * np.abs(t)[:, None]]


def _grid(random: np.random.Generator) -> Strokes:
    lines = np.linspace(-1, 1, int(random.integers(2, 4))) * random.uniform(0.4, 1)
    across = [np.array([(-1.0, place), (1, place)]) for place in lines]
    return across if random.random() < 0.4 else across + [line[:, ::-1] for line in across]


def _dash(random: np.random.Generator) -> Strokes:
    return _turned([np.array([(-1.0, 0.0), (1, 0)])], random.uniform(-0.7, 0.7))


def _house(random: np.random.Generator) -> Strokes:
    roof = random.uniform(-1.8, -1.2)
    return [
        np.array([(-1.0, 1.0), (-1, -0.5), (0, roof), (1, -0.5), (1, 1), (-1, 1), (1, -0.5)])[: random.integers(6, 8)]
    ]


def _face(random: np.random.Generator) -> Strokes:
    ring = _round(np.linspace(0, 2 * np.pi, 40))
    eyes: Strokes = [np.array([(side, -0.3), (side, -0.2)]) for side in (-0.35, 0.35)]
    mouth = _round(np.linspace(0.3, np.pi - 0.3, 12)) * 0.6
    return [ring, *eyes, mouth] if random.random() < 0.5 else [ring, ring * random.uniform(0.2, 0.6)]


def _round(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _turned(strokes: Strokes, angle: float) -> Strokes:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [stroke @ turn.T for stroke in strokes]
