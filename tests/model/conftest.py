"""TensorFlow on one thread, as a worker has it, and a recipe so small that it is trained in seconds."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.services.training import small_recipe
from training.fit import History, fit
from training.progress import Progress
from training.recipes import Recipe

tf: Any = import_module("tensorflow")  # as Any, as it has no types
# Here, whatever test comes first: once it has computed it takes no number.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


@pytest.fixture
def recipe() -> Recipe:
    return small_recipe()


@pytest.fixture
def trained(recipe: Recipe, tmp_path: Path) -> Callable[..., tuple[Any, History]]:
    """Give what trains the recipe in a folder of that name."""

    def train(name: str, seed: int = 1, progress: Progress | None = None) -> tuple[Any, History]:
        return fit(recipe, seed=seed, folder=tmp_path / name, progress=progress or Progress())

    return train
