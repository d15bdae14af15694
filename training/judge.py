"""Judges classifiers on drawings that nothing was learnt from; the figures are what the cards show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training import trials
from training.datasets import Examples, mnist_test
from training.figures import Labels, Right, auroc, by_class, calibration_error, confidence, right
from training.strokes import Written, by_writers, pen_digits
from training.trials import PENS, SIZES, Classify, Drawn, Readings, readings

SEED = 7  # of the trials
TIMES = 4  # that each digit of an unknown writer is drawn
NUMBERS = 6_000  # of each kind: 600 leave a point of chance


@dataclass(frozen=True, slots=True)
class Trials:
    """The drawings to judge by.

    Attributes:
        mnist: MNIST's test set, pictures already; all others are drawings, which come apart as in web.
        writers: each digit of the test's writers, drawn TIMES times, anywhere on the canvas.
        sizes: those digits by size and pen.
        strangers: what is no digit, by kind.
        numbers: several digits in one drawing, by how they are spaced.
    """

    mnist: Examples
    writers: list[Drawn]
    sizes: dict[tuple[float, int], list[Drawn]]
    strangers: dict[str, list[Drawn]]
    numbers: dict[str, list[Drawn]]


def make_trials() -> Trials:
    """Return the drawings to judge by, always the same."""
    digits = by_writers(pen_digits())[2]
    return Trials(
        mnist=mnist_test(),
        writers=trials.anywhere(digits, TIMES, SEED),
        sizes={(size, pen): trials.at(digits, size, pen) for size in SIZES for pen in PENS},
        strangers=trials.strangers(1_000, SEED),
        numbers=spaced(digits, NUMBERS),
    )


def spaced(digits: Sequence[Written], count: int) -> dict[str, list[Drawn]]:
    """Return so many numbers made of the digits, by how they are spaced."""
    return {
        "clear": trials.numbers(digits, count, SEED, touching=False),
        "by_hand": trials.numbers(digits, count, SEED, touching=True),
    }


def figures(given: Trials, classify: Classify, threshold: float) -> dict[str, Any]:
    """Return the classifier's figures, all shares between 0 and 1.

    Calibration is that of MNIST's digits and the writers' drawings together; "sure" is of the writers' drawings alone.
    """
    answers, writers = classify(given.mnist.pictures), readings(given.writers, classify)
    correct = right(answers, given.mnist.labels)
    sure = np.concatenate([confidence(answers), writers.confidence])
    return {
        "mnist": _digits(correct, given.mnist.labels),
        "writers": _digits(writers.right, labels(given.writers)),
        "calibration_error": round(calibration_error(sure, np.concatenate([correct, writers.right])), 4),
        "sure": _sure(writers, threshold),
        "not_digits": {
            name: _not_digits(writers, readings(junk, classify), threshold) for name, junk in given.strangers.items()
        },
        "sizes": {
            f"{size:.2f}": {str(pen): _share(readings(given.sizes[size, pen], classify).right) for pen in PENS}
            for size in SIZES
        },
        "numbers": {name: _numbers(numbers, readings(numbers, classify)) for name, numbers in given.numbers.items()},
    }


def labels(drawings: Sequence[Drawn]) -> Labels:
    """Return which digit each drawing of one digit shows, (n,)."""
    return np.array([int(drawn.digits) for drawn in drawings], np.uint8)


def small(test: dict[str, Any]) -> float:
    """Return the share right of the smallest drawings, over the pens."""
    return float(np.mean(list(test["sizes"][f"{SIZES[0]:.2f}"].values())))


def _share(correct: Right) -> float:
    return round(float(correct.mean()), 4)


def _digits(correct: Right, shown: Labels) -> dict[str, Any]:
    shares = [round(share, 4) for share in by_class(correct, shown)]
    return {"count": len(correct), "right": _share(correct), "by_class": shares}


def _sure(read: Readings, threshold: float) -> dict[str, float]:
    sure = read.weakest >= threshold
    return {"coverage": _share(sure), "wrong": _share(~read.right[sure])}


def _not_digits(digits: Readings, junk: Readings, threshold: float) -> dict[str, float]:
    return {
        "auroc": round(auroc(digits.confidence, junk.confidence), 4),
        "taken_for_sure": _share(junk.weakest >= threshold),
        "above_0.9": _share(junk.confidence > 0.9),
    }


def _numbers(numbers: Sequence[Drawn], read: Readings) -> dict[str, float]:
    counted = np.array([len(each) == len(drawn.digits) for each, drawn in zip(read.digits, numbers, strict=True)])
    return {"count_right": _share(counted), "whole_right": _share(read.right)}
