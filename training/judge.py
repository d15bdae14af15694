"""Judges classifiers on drawings that nothing was learnt from; the figures are what the cards show."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from training import trials
from training.datasets import Examples, joined, mnist_test
from training.figures import auroc, by_class, calibration_error, confidence, right
from training.strokes import by_writers, pen_digits
from training.trials import PENS, SIZES, Classify, Number

SEED = 7  # of the trials


@dataclass(frozen=True, slots=True)
class Trials:
    """The drawings to judge by.

    Attributes:
        mnist: MNIST's test set.
        writers: each digit of the test's writers, drawn four times, anywhere on the canvas.
        sizes: those digits by size and pen.
        strangers: what is no digit, by kind.
        numbers: several digits in one drawing, by how they are spaced.
    """

    mnist: Examples
    writers: Examples
    sizes: dict[tuple[float, int], Examples]
    strangers: dict[str, Examples]
    numbers: dict[str, list[Number]]


def make_trials() -> Trials:
    """Return the drawings to judge by, always the same."""
    digits = by_writers(pen_digits())[2]
    return Trials(
        mnist=mnist_test(),
        writers=trials.anywhere(digits, 4, SEED),
        sizes={(size, pen): trials.at(digits, size, pen) for size in SIZES for pen in PENS},
        strangers=trials.strangers(1_000, SEED),
        numbers={
            "clear": trials.numbers(digits, 600, SEED, touching=False),
            "by_hand": trials.numbers(digits, 600, SEED, touching=True),
        },
    )


def figures(given: Trials, classify: Classify, threshold: float) -> dict[str, Any]:
    """Return the classifier's figures, all shares between 0 and 1."""
    digits = joined([given.mnist, given.writers])
    return {
        "mnist": _digits(given.mnist, classify),
        "writers": _digits(given.writers, classify),
        "calibration_error": round(calibration_error(classify(digits.pictures), digits.labels), 4),
        "sure": _sure(given.writers, classify, threshold),
        "not_digits": _not_digits(given, classify, threshold),
        "sizes": {
            f"{size:.2f}": {str(pen): _share_right(given.sizes[size, pen], classify) for pen in PENS} for size in SIZES
        },
        "numbers": {name: _numbers(numbers, classify) for name, numbers in given.numbers.items()},
    }


def small(test: dict[str, Any]) -> float:
    """Return the share right of the smallest drawings, over the pens."""
    return float(np.mean(list(test["sizes"][f"{SIZES[0]:.2f}"].values())))


def _share_right(examples: Examples, classify: Classify) -> float:
    return round(float(right(classify(examples.pictures), examples.labels).mean()), 4)


def _digits(examples: Examples, classify: Classify) -> dict[str, Any]:
    shares = [round(share, 4) for share in by_class(classify(examples.pictures), examples.labels)]
    return {"count": len(examples), "right": _share_right(examples, classify), "by_class": shares}


def _sure(digits: Examples, classify: Classify, threshold: float) -> dict[str, float]:
    answers = classify(digits.pictures)
    sure, correct = confidence(answers) >= threshold, right(answers, digits.labels)
    return {"coverage": round(float(sure.mean()), 4), "wrong": round(float((~correct[sure]).mean()), 4)}


def _not_digits(given: Trials, classify: Classify, threshold: float) -> dict[str, dict[str, float]]:
    known = classify(given.writers.pictures)
    answers = {name: classify(junk.pictures) for name, junk in given.strangers.items()}
    return {
        name: {
            "auroc": round(auroc(known, answer), 4),
            "taken_for_sure": round(float((confidence(answer) >= threshold).mean()), 4),
            "above_0.9": round(float((confidence(answer) > 0.9).mean()), 4),
        }
        for name, answer in answers.items()
    }


def _numbers(numbers: list[Number], classify: Classify) -> dict[str, float]:
    counted, whole = trials.numbers_right(numbers, classify)
    return {"count_right": round(counted, 4), "whole_right": round(whole, 4)}
