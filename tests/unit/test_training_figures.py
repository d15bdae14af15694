import numpy as np
import pytest
from numpy.typing import NDArray

from shared.contract import CLASSES
from training.calibrate import probabilities, temperature, threshold
from training.datasets import NOT_A_DIGIT, Examples
from training.figures import (
    Probabilities,
    auroc,
    by_class,
    calibration_error,
    confidence,
    confusion,
    coverage_and_risk,
    right,
)
from training.judge import labels
from training.trials import Drawn, readings

LABELS = np.array([3, 3, 4, 9], np.uint8)


def answers(*pairs: tuple[int, float]) -> Probabilities:
    """Return one row each: this digit with this probability, the others nothing."""
    rows = np.zeros((len(pairs), CLASSES), np.float32)
    for row, (digit, probability) in zip(rows, pairs, strict=True):
        row[digit] = probability
    return rows


@pytest.fixture
def given() -> Probabilities:
    """Return an answer to each of LABELS, the second of them wrong."""
    return answers((3, 0.9), (5, 0.8), (4, 0.7), (9, 0.6))


def test_right_is_the_most_probable_digit(given: Probabilities) -> None:
    assert right(given, LABELS).tolist() == [True, False, True, True]


def test_what_is_no_digit_is_never_read_rightly(given: Probabilities) -> None:
    assert not right(given, np.full(4, NOT_A_DIGIT, np.uint8)).any()


def test_each_digit_has_its_share_right() -> None:
    labels = np.repeat(np.arange(CLASSES, dtype=np.uint8), 2)
    given = answers(*[(int(label) if n % 2 else 0, 1.0) for n, label in enumerate(labels)])
    assert by_class(right(given, labels), labels) == [1.0] + [0.5] * 9


def test_confusion_counts_what_was_read_as_what(given: Probabilities) -> None:
    counts = confusion(given.argmax(axis=1).astype(np.uint8), LABELS)
    assert (counts[3, 3], counts[3, 5], counts[4, 4], counts.sum()) == (1, 1, 1, 4)


def test_calibration_error_is_the_distance_of_confidence_from_the_share_right() -> None:
    sure = np.full(10, 0.8, np.float32)
    assert calibration_error(sure, np.arange(10) < 8) == pytest.approx(0, abs=1e-6)
    assert calibration_error(sure, np.arange(10) < 3) == pytest.approx(0.5, abs=1e-6)


def test_risk_is_taken_from_the_surest_answer_on(given: Probabilities) -> None:
    coverage, risk = coverage_and_risk(confidence(given), right(given, LABELS))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])


def test_auroc_is_how_often_a_digit_is_surer_than_junk() -> None:
    digits, junk = np.array([0.9, 0.5], np.float32), np.array([0.1, 0.5], np.float32)
    assert auroc(digits, junk) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_the_temperature_that_spoilt_the_logits_is_found() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (20_000, CLASSES)).astype(np.float32)
    chances = probabilities(logits).cumsum(axis=1)
    labels = (chances < random.random((len(logits), 1))).sum(axis=1).clip(max=9).astype(np.uint8)
    assert temperature(logits * 1.7, labels) == pytest.approx(1.7, rel=0.05)


def test_the_threshold_keeps_its_share_of_the_digits_and_ignores_junk() -> None:
    labels = np.array([1] * 100 + [NOT_A_DIGIT] * 100, np.uint8)
    given = answers(*[(1, n / 100) for n in range(1, 101)], *[(1, 0.99)] * 100)
    chosen = threshold(given, Examples(np.zeros((200, 28, 28), np.uint8), labels))
    assert (given[:100].max(axis=1) >= chosen).mean() == pytest.approx(0.98, abs=0.011)


def drawn(digits: str, seen: str) -> Drawn:
    """Return a drawing whose pictures carry what is seen in them, and how surely."""
    return Drawn(digits, [np.full((28, 28), int(digit), np.uint8) for digit in seen])


def classify(pictures: NDArray[np.uint8]) -> Probabilities:
    """Read what each picture carries; a nine only half surely."""
    return answers(*[(int(picture[0, 0]), 0.5 if picture[0, 0] == 9 else 0.9) for picture in pictures])


def test_a_drawing_is_right_only_as_a_whole() -> None:
    read = readings([drawn("12", "12"), drawn("34", "35"), drawn("0", "0"), drawn("0", "11"), drawn("", "1")], classify)
    assert read.digits == ["12", "35", "0", "11", "1"]
    assert read.right.tolist() == [True, False, True, False, False]


def test_a_drawing_is_as_sure_as_a_worker_tells() -> None:
    read = readings([drawn("1", "1"), drawn("19", "19")], classify)
    assert read.confidence.tolist() == pytest.approx([0.9, 0.9 * 0.5])
    assert read.weakest.tolist() == pytest.approx([0.9, 0.5])


def test_a_drawing_of_one_digit_has_its_label() -> None:
    assert labels([drawn("7", "7"), drawn("0", "11")]).tolist() == [7, 0]
