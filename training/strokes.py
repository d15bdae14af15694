"""Digits as pen strokes: what people wrote on a tablet, and how they are bent so that no two are alike."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets import read_checked

Strokes = list[NDArray[np.float64]]  # each (k, 2): x to the right, y down

VALIDATION_WRITERS = frozenset({26, 27})  # choices are made on their digits
TEST_WRITERS = frozenset({28, 29, 30})  # only training.evaluate asks for their digits

_FINE = 0.04  # the step of a stroke that is bent, in units of the digit's longest side


@dataclass(frozen=True, slots=True)
class Written:
    """One digit as one person wrote it."""

    strokes: Strokes
    label: int
    writer: int


def pen_digits() -> list[Written]:
    """Return the 7,494 digits of 30 writers, each scaled so that its longest side is 1, around 0."""
    records = [json.loads(line) for line in read_checked("pen-digits.jsonl.gz").splitlines()]
    return [
        Written(fitted([np.array(s, float) for s in r["strokes"]]), int(r["label"]), int(r["writer"])) for r in records
    ]


def by_writers(digits: Sequence[Written]) -> tuple[list[Written], list[Written], list[Written]]:
    """Return the digits of the writers for training, validation and test."""
    held_out = VALIDATION_WRITERS | TEST_WRITERS
    return (
        [digit for digit in digits if digit.writer not in held_out],
        [digit for digit in digits if digit.writer in VALIDATION_WRITERS],
        [digit for digit in digits if digit.writer in TEST_WRITERS],
    )


def fitted(strokes: Strokes) -> Strokes:
    """Return the strokes with the longest side of their bounding box 1 and its middle 0."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    return [(stroke - (low + high) / 2) / max(float((high - low).max()), 1e-6) for stroke in strokes]


def bent(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Return the strokes as another hand might write them: turned, slanted, stretched, waved, each begun elsewhere."""
    angle, slant = random.normal(0, 0.13), random.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([[np.exp(random.normal(0, 0.2)), -slant], [0, 1]])
    wave, phase = random.normal(0, 3, (2, 2)), random.uniform(0, 2 * np.pi, 2)
    height = random.uniform(0, 0.06, 2)
    bow, waist, cut = random.normal(0, 0.25), random.normal(0, 0.22), random.choice([0.0, 0.08])
    loose = [_shortened(_fine(stroke), cut, random) + random.normal(0, 0.025, 2) for stroke in strokes]
    return fitted([_waved(_bowed(stroke, bow, waist), wave, phase, height) @ (turn @ stretch).T for stroke in loose])


def _shortened(stroke: NDArray[np.float64], most: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the stroke begun later and ended earlier by up to such a share of its points: loops stay open."""
    first, last = (random.uniform(0, most, 2) * len(stroke)).astype(int)
    return stroke[first : len(stroke) - last]


def _bowed(stroke: NDArray[np.float64], bow: float, waist: float) -> NDArray[np.float64]:
    """Return the stroke with the digit's middle moved: to the side by bow, down by waist, a quarter of each."""
    x, y = stroke.T
    return np.column_stack([x + bow * (y * y - 0.08), y + waist * (0.25 - y * y)])


def _waved(
    stroke: NDArray[np.float64], wave: NDArray[np.float64], phase: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    return stroke + height * np.sin(stroke @ wave + phase)


def _fine(stroke: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stroke with its points _FINE from each other."""
    along = np.concatenate([np.zeros(1), np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
    places = np.linspace(0, float(along[-1]), int(along[-1] / _FINE) + 2)
    return np.column_stack([np.interp(places, along, stroke[:, 0]), np.interp(places, along, stroke[:, 1])])
