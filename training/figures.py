"""Figures of a classifier from its probabilities: how often right, how honest, how well it tells digits from junk."""

import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES

Probabilities = NDArray[np.float32]  # (n, CLASSES); what a row lacks of 1 is "not a digit"
Labels = NDArray[np.uint8]  # (n,)
Confidence = NDArray[np.float32]  # (n,), 0 to 1
Right = NDArray[np.bool_]  # (n,)
Floats = NDArray[np.float64]


def confidence(probabilities: Probabilities) -> Confidence:
    """Return how probable each answer is, (n,)."""
    return probabilities.max(axis=1)


def right(probabilities: Probabilities, labels: Labels) -> Right:
    """Return which answers are right, (n,); what is no digit never is."""
    return np.equal(probabilities.argmax(axis=1), labels)


def by_class(correct: Right, labels: Labels) -> list[float]:
    """Return the share right of each digit, 0 to 9."""
    return [float(correct[labels == digit].mean()) for digit in range(CLASSES)]


def confusion(read: Labels, labels: Labels) -> NDArray[np.int64]:
    """Return how often each digit (row) was read as each (column)."""
    pairs = CLASSES * labels.astype(np.int64) + read
    return np.bincount(pairs, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)


def reliability(sure: Confidence, correct: Right, bins: int = 15) -> tuple[Floats, Floats, Floats]:
    """Return mean confidence, share right and share of all answers, by bins of confidence that are not empty."""
    places = np.minimum((sure * bins).astype(int), bins - 1)
    filled = [place for place in range(bins) if (places == place).any()]
    return (
        np.array([sure[places == place].mean() for place in filled]),
        np.array([correct[places == place].mean() for place in filled]),
        np.array([(places == place).mean() for place in filled]),
    )


def calibration_error(sure: Confidence, correct: Right) -> float:
    """Return the mean distance of confidence from the share right (expected calibration error)."""
    mean, share_right, share = reliability(sure, correct)
    return float((np.abs(mean - share_right) * share).sum())


def coverage_and_risk(sure: Confidence, correct: Right) -> tuple[Floats, Floats]:
    """Return, from the surest answer on, the share answered and the share of those that is wrong."""
    order = np.argsort(-sure, kind="stable")
    count = np.arange(1, len(sure) + 1)
    return count / len(sure), np.cumsum(~correct[order]) / count


def auroc(digits: Confidence, junk: Confidence) -> float:
    """Return how probable it is that the confidence in a digit is higher than that in junk; ties count half."""
    scores = np.concatenate([digits, junk])
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    _, same, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(same, ranks) / counts)[same]
    won = ranks[: len(digits)].sum() - len(digits) * (len(digits) + 1) / 2
    return float(won / (len(digits) * len(junk)))
