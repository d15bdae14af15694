"""Training learns from what people have corrected, and from nothing else that it is handed."""

# pyright: basic
# Keras and TensorFlow have no types.
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from training.corrections import read_corrections
from training.datasets import NOT_A_DIGIT, DatasetError, Examples
from training.feed import Feed, Source
from training.recipes import RECIPES
from training.run import fingerprint, learnable, learning_from

EXAMPLES = Examples(np.random.default_rng(1).integers(0, 256, (64, 28, 28), np.uint8), np.zeros(64, np.uint8))


def test_corrections_are_in_every_batch() -> None:
    plain = dataclasses.replace(RECIPES["seed"], feed=lambda seed: Feed([Source(EXAMPLES, 64)], seed=seed))
    corrected = Examples(np.stack([np.full((28, 28), shade, np.uint8) for shade in (51, 102)]), np.array([9, 10], "u1"))
    (batch,) = learning_from(corrected, plain).feed(1).epoch(0).as_numpy_iterator()
    shades = [round(float(shade) * 255) for shade in batch[0][64:, 0, 0, 0]]
    assert sorted(zip(shades, batch[1][64:].tolist(), strict=True)) == [(51, 9), (102, 10)]


def test_a_network_learns_no_class_that_it_does_not_have() -> None:
    corrected = Examples(EXAMPLES.pictures[:2], np.array([3, NOT_A_DIGIT], np.uint8))
    assert list(learnable(corrected, RECIPES["seed"]).labels) == [3]
    assert list(learnable(corrected, RECIPES["default"]).labels) == [3, NOT_A_DIGIT]


def test_corrections_of_which_a_network_could_learn_none_are_refused() -> None:
    corrected = Examples(EXAMPLES.pictures[:1], np.array([NOT_A_DIGIT], np.uint8))
    with pytest.raises(DatasetError, match="has no class for it: train another"):
        learnable(corrected, RECIPES["seed"])


def test_a_run_on_corrections_goes_on_only_with_the_same_pictures_and_labels() -> None:
    corrected = Examples(EXAMPLES.pictures[:2], np.array([3, 4], np.uint8))
    relabelled = Examples(corrected.pictures, np.array([3, 5], np.uint8))
    redrawn = Examples(EXAMPLES.pictures[2:4], corrected.labels)
    again = Examples(corrected.pictures.copy(), corrected.labels.copy())
    assert fingerprint(again) == fingerprint(corrected)
    assert len({fingerprint(examples) for examples in (corrected, relabelled, redrawn)}) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seven", "is not what GET /api/v1/corrections gives"),
        ("[]", "is not what"),
        ('{"label": "7", "pictures": ["AAAA"]}', "a picture has 784 bytes"),
        ("", "holds no correction"),
    ],
)
def test_a_file_that_holds_no_corrections_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "corrections.jsonl"
    file.write_text(text)
    with pytest.raises(DatasetError, match=told):
        read_corrections(file)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_corrections(tmp_path / "missing.jsonl")


def test_a_file_of_another_kind_is_refused_in_one_short_line() -> None:
    with pytest.raises(DatasetError) as refused:
        read_corrections(Path("tests/seven.png"))
    assert len(str(refused.value)) < 200
