"""What training's commands say to those who call them wrongly: one line with its cure."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from shared.model_file import GOLDEN
from training import crossvalidate, evaluate, golden, spread
from training.__main__ import main as train
from training.golden import provide
from training.options import SHIPPED


def told(command: click.Command, *words: str) -> str:
    """Return the last line of what a command that fails says."""
    result = CliRunner().invoke(command, words)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code != 0
    return result.output.splitlines()[-1]


@pytest.mark.parametrize("seed", ["-1", "0", "4294967296"])  # 0 would learn from what validation holds
def test_a_seed_that_is_none_is_refused(seed: str) -> None:
    assert "'--seed'" in told(train, "--seed", seed, "--corrections", "missing")


def test_a_folder_that_cannot_be_written_is_told_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    models = tmp_path / "file" / "models"
    assert f"{models} cannot be written" in told(train, "--models", str(models))


@pytest.mark.parametrize("command", [evaluate.main, golden.main])
@pytest.mark.parametrize("folder", ["", "missing"])
def test_a_folder_without_models_is_named_with_its_cure(command: click.Command, folder: str, tmp_path: Path) -> None:
    models = tmp_path / folder
    assert f"{models} has no model: train one with `python -m training --models {models}`" in told(
        command, "--models", str(models)
    )


@pytest.mark.parametrize("command", [evaluate.main, spread.main])
@pytest.mark.parametrize(
    ("file", "fault"), [("seed.json", "cannot be read (No such file or directory)"), ("seed.keras", "is not what")]
)
def test_a_model_without_its_own_facts_is_told_with_its_cure(
    command: click.Command, file: str, fault: str, tmp_path: Path
) -> None:
    (tmp_path / "seed.keras").write_bytes(b"another model")
    if file != "seed.json":
        shutil.copy(SHIPPED / "seed.json", tmp_path)
    words = told(command, "--models", str(tmp_path))
    assert f"{tmp_path / file} {fault}" in words
    assert words.endswith(f"train it: `python -m training --architecture seed --models {tmp_path}`")


def test_writers_are_not_cross_validated_for_hours_where_no_model_can_be_told_of_it(tmp_path: Path) -> None:
    assert f"{tmp_path / 'default.json'} cannot be read" in told(crossvalidate.main, "--models", str(tmp_path))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's way is from before NumPy 2
def test_golden_pictures_are_not_chosen_by_a_model_that_cannot_read(tmp_path: Path) -> None:
    keras: Any = import_module("keras")  # as Any, as it has no types
    parts = [keras.layers.Input((28, 28), dtype="uint8"), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(parts)
    model.set_weights([np.zeros((784, 10)), np.zeros(10)])
    model.save(tmp_path / "blind.keras")
    assert "train them longer" in told(golden.main, "--models", str(tmp_path))
    assert not (tmp_path / GOLDEN).exists()


def test_a_folder_gets_golden_pictures_and_keeps_its_own(tmp_path: Path) -> None:
    provide(tmp_path)
    assert (tmp_path / GOLDEN).read_bytes() == (SHIPPED / GOLDEN).read_bytes()
    shutil.copy(SHIPPED / "seed.json", tmp_path / GOLDEN)
    provide(tmp_path)
    assert (tmp_path / GOLDEN).read_bytes() == (SHIPPED / "seed.json").read_bytes()
