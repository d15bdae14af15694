"""Makes a network's confidence honest, and chooses from which confidence on an answer is sure; both on validation."""

import math

import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES
from training.datasets import NOT_A_DIGIT, Examples
from training.figures import Probabilities, confidence

COVERAGE = 0.98  # of people's digits in validation that stay sure


def temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return what to divide the logits by so that the labels are most probable, but for labels without a column."""
    known = labels < logits.shape[1]
    candidates = np.geomspace(0.3, 3, 93)
    losses = [_loss(logits[known] / candidate, labels[known]) for candidate in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def _loss(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    from_top = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(from_top).sum(axis=1)) - from_top[np.arange(len(labels)), labels]).mean())


def probabilities(logits: NDArray[np.float32]) -> Probabilities:
    """Return the probabilities of the ten digits, (n, CLASSES), that a served model answers."""
    parts = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (parts / parts.sum(axis=1, keepdims=True))[:, :CLASSES]


def threshold(answers: Probabilities, examples: Examples) -> float:
    """Return the highest confidence, in hundredths, that COVERAGE of the digits among the examples reach."""
    digits = answers[examples.labels != NOT_A_DIGIT]
    return round(math.floor(100 * float(np.quantile(confidence(digits), 1 - COVERAGE))) / 100, 2)
