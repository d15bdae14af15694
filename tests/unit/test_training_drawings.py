from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.picture import picture_from_png
from tests.services.pngs import png
from training.canvas import CANVAS, draw, picture
from training.datasets import DatasetError, digests, mnist_train, mnist_validation, read_checked
from training.habits import HABITS, with_habits
from training.junk import DIGIT_LIKE, LETTERS, junk
from training.strokes import Strokes, Written, bent, by_writers, fitted, pen_digits

SEVEN: Strokes = fitted([np.array([(0.0, 0.0), (50, 0), (20, 100)])])


@pytest.fixture(scope="module")
def digits() -> list[Written]:
    return pen_digits()


def longest_side(strokes: Strokes) -> float:
    return float(np.ptp(np.concatenate(strokes), axis=0).max())


def test_a_changed_data_file_is_refused_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in digests().items()))
    (tmp_path / "pen-digits.jsonl.gz").write_bytes(b"other")
    with pytest.raises(DatasetError, match="not what SHA256SUMS says: check it out again"):
        read_checked("pen-digits.jsonl.gz", tmp_path)
    (tmp_path / "pen-digits.jsonl.gz").unlink()
    with pytest.raises(DatasetError, match="is missing: check it out again"):
        read_checked("pen-digits.jsonl.gz", tmp_path)


@pytest.mark.parametrize("sums", [None, "one-word"])
def test_missing_or_damaged_checksums_are_told_with_their_cure(sums: str | None, tmp_path: Path) -> None:
    (tmp_path / "pen-digits.jsonl.gz").write_bytes(b"other")
    if sums:
        (tmp_path / "SHA256SUMS").write_text(sums)
    with pytest.raises(DatasetError, match="SHA256SUMS cannot be read: check it out again"):
        read_checked("pen-digits.jsonl.gz", tmp_path)


def test_what_is_validated_on_is_not_learnt_from() -> None:
    assert (len(mnist_train()), len(mnist_validation())) == (55_000, 5_000)


def test_no_writer_is_in_two_splits(digits: list[Written]) -> None:
    splits = by_writers(digits)
    writers = [{digit.writer for digit in split} for split in splits]
    assert sum(map(len, splits)) == len(digits) == 7494
    assert sum(map(len, writers)) == len({digit.writer for digit in digits}) == 30


@pytest.mark.parametrize("size", [60, 120, 240])
@pytest.mark.parametrize("place", [(140, 140), (150, 130)])
def test_training_sees_the_picture_that_serving_makes(size: int, place: tuple[int, int]) -> None:
    fine = Image.new("L", (4 * CANVAS, 4 * CANVAS))
    draw(fine, [4 * (stroke * (size - 14) + place) for stroke in SEVEN], 4 * 14)
    drawing = png(fine.reduce(4).point([255 - tone for tone in range(256)]))
    difference = picture(SEVEN, size=size, pen=14).astype(int) - picture_from_png(drawing)
    assert abs(difference).mean() < 2


@given(st.integers(0, 2**32))
def test_bending_keeps_size_and_number_of_strokes(seed: int) -> None:
    strokes = bent(SEVEN, np.random.default_rng(seed))
    assert len(strokes) == len(SEVEN)
    assert longest_side(strokes) == pytest.approx(1)


def test_bending_by_the_same_seed_is_the_same() -> None:
    once, again, other = (bent(SEVEN, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("label", HABITS)
def test_each_habit_changes_how_a_digit_is_written(digits: list[Written], label: int) -> None:
    digit = next(digit for digit in digits if digit.label == label)
    written = [with_habits(digit, np.random.default_rng(seed)) for seed in range(60)]
    changed = [strokes for strokes in written if strokes is not digit.strokes]
    assert 0 < len(changed) < len(written)
    assert all(longest_side(strokes) == pytest.approx(1) for strokes in changed)


def test_letters_that_may_be_digits_are_not_taught_as_junk() -> None:
    assert not set(LETTERS) & set(DIGIT_LIKE)


@given(st.integers(0, 2**32))
def test_junk_is_always_something_to_draw(seed: int) -> None:
    strokes = junk([Written(SEVEN, 7, 1)], np.random.default_rng(seed))
    assert picture(strokes, size=100, pen=12).any()
