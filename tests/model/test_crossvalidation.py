"""Cross-validation judges each writer's digits by a network that has never seen them."""

# pyright: basic
# Keras has no types.
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.services.training import EXAMPLES
from training.crossvalidate import cross_validated
from training.feed import Feed, Source
from training.recipes import Recipe
from training.strokes import Written, pen_digits

# Keras's way to NumPy is from before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def written(label: int, writer: int) -> list[Written]:
    return [digit for digit in pen_digits() if (digit.label, digit.writer) == (label, writer)][:5]


def test_each_writer_is_judged_by_the_network_that_has_not_seen_them(recipe: Recipe, tmp_path: Path) -> None:
    """The networks learn to answer 3, whatever they see: of writer 1 all is right, of writer 2 nothing."""
    threes = dataclasses.replace(EXAMPLES, labels=np.full_like(EXAMPLES.labels, 3))
    seen: list[set[int]] = []

    def only_threes(digits: Sequence[Written]) -> Recipe:
        seen.append({digit.writer for digit in digits})
        return dataclasses.replace(recipe, feed=lambda seed: Feed([Source(threes, 8)], seed=seed))

    found = cross_validated(written(3, 1) + written(4, 2), only_threes, folds=2, folder=tmp_path, count=20)
    assert seen == [{2}, {1}]
    assert found["writers"] == {1: 1.0, 2: 0.0}
    assert found["numbers"]["clear"] == [1.0, 0.0]
    assert len(found["numbers"]["by_hand"]) == 2
