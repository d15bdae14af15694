"""Training that is interrupted goes on where it stopped, or tells why it cannot."""

# pyright: basic
# Keras and TensorFlow have no types.
import dataclasses
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import pytest
from click.testing import CliRunner

from tests.services.training import EXAMPLES, StoppedError, Stopping, small_recipe
from training import networks, spread
from training.__main__ import main as train
from training.datasets import digests
from training.distort import distort
from training.feed import Feed, Source
from training.fit import History, fit
from training.options import SHIPPED
from training.progress import Progress
from training.recipes import RECIPES, Recipe

# Keras's way to NumPy is from before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_an_interrupted_run_ends_as_if_it_had_not_been(trained: Callable[..., tuple[Any, History]]) -> None:
    whole, history = trained("whole")
    with pytest.raises(StoppedError):
        trained("broken", progress=Stopping(1))
    resumed, resumed_history = trained("broken")
    np.testing.assert_array_equal(resumed.get_weights()[0], whole.get_weights()[0])
    assert resumed_history == history


def test_a_damaged_state_is_told_with_its_cure(trained: Callable[..., tuple[Any, History]], tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        trained("broken", progress=Stopping(1))
    for state in (tmp_path / "broken").glob("after-*.keras"):
        state.write_bytes(b"half of it")
    with pytest.raises(click.ClickException, match="is damaged: delete it"):
        trained("broken")


def test_what_another_network_or_optimiser_has_left_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    with pytest.raises(StoppedError):
        fit(recipe, seed=1, folder=tmp_path, progress=Stopping(1))
    for changed in ({"network": networks.default}, {"optimizer": lambda _: keras.optimizers.AdamW(0.02)}):
        with pytest.raises(click.ClickException, match="is of another network or optimiser: delete it"):
            fit(dataclasses.replace(recipe, **changed), seed=1, folder=tmp_path, progress=Progress())


@pytest.mark.parametrize(
    "feed",
    [
        Feed([Source(EXAMPLES, 8)], seed=1),
        Feed([Source(EXAMPLES, 16)], seed=1, distort=distort),
        Feed([Source(dataclasses.replace(EXAMPLES, labels=EXAMPLES.labels + 1), 8)], seed=1, distort=distort),
    ],
    ids=["another distortion", "larger batches", "other labels"],
)
def test_what_another_feed_has_left_is_refused(tmp_path: Path, recipe: Recipe, feed: Feed) -> None:
    with pytest.raises(StoppedError):
        fit(recipe, seed=1, folder=tmp_path, progress=Stopping(1))
    with pytest.raises(click.ClickException, match=r"has learnt from other data, .*: delete it"):
        fit(dataclasses.replace(recipe, feed=lambda _: feed), seed=1, folder=tmp_path, progress=Progress())


def test_what_other_data_files_have_left_is_refused(
    trained: Callable[..., tuple[Any, History]], tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        trained("broken", progress=Stopping(1))
    note = tmp_path / "broken" / "fed.json"
    note.write_text(note.read_text().replace(digests()["mnist/train-labels-idx1-ubyte.gz"], "of another file"))
    with pytest.raises(click.ClickException, match=r"has learnt from other data, .*: delete it"):
        trained("broken")


def test_a_spread_that_is_interrupted_keeps_the_seeds_that_are_done(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []

    def feed(seed: int) -> Feed:
        fed.append(seed)
        if fed == [1, 2]:
            raise StoppedError
        return recipe.feed(seed)

    monkeypatch.setitem(RECIPES, "seed", dataclasses.replace(recipe, feed=feed))
    for file in ("seed.keras", "seed.json"):
        shutil.copy(SHIPPED / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    command = ["--models", ".", "--seeds", "2"]
    assert isinstance(CliRunner().invoke(spread.main, command).exception, StoppedError)
    again = CliRunner().invoke(spread.main, command).output
    assert "going on after epoch 3 of 3" in again
    assert json.loads(Path("seed.json").read_text())["spread"]["seeds"] == [1, 2]
    assert not list(spread.FOLDER.iterdir())


class FillingUp(Feed):
    """A feed in whose second epoch the disk becomes full: no file may grow any more, root's neither."""

    def epoch(self, number: int, strength: float = 1.0) -> Any:
        if number == 1:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
        return super().epoch(number, strength)


@pytest.mark.parametrize(
    ("command", "words"),
    [(train, ["--architecture", "seed", "--models", "."]), (spread.main, ["--models", ".", "--seeds", "2"])],
    ids=["training", "spread"],
)
def test_a_full_disk_is_told_in_one_line_and_the_run_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: click.Command, words: list[str]
) -> None:
    monkeypatch.setitem(RECIPES, "seed", small_recipe(FillingUp))
    for file in ("seed.keras", "seed.json"):
        shutil.copy(SHIPPED / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    old = Path("seed.keras").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    stopped = CliRunner().invoke(command, words)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(stopped.exception, SystemExit)
    told = stopped.output.splitlines()[-1]
    assert told.startswith("Error: training has stopped (")
    assert told.endswith("the same command then goes on after the last whole epoch")
    assert Path("seed.keras").read_bytes() == old

    monkeypatch.setitem(RECIPES, "seed", small_recipe())
    assert "going on after epoch 1 of 3" in CliRunner().invoke(command, words).output
