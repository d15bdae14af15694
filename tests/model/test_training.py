"""Training's promises, on networks and data so small that they take seconds."""

# pyright: basic
# Keras and TensorFlow have no types.
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from shared.contract import SIDE
from shared.model_file import proved
from tests.services.training import EXAMPLES, StoppedError
from training import networks
from training.__main__ import main as train
from training.calibrate import probabilities
from training.datasets import Examples
from training.distort import distort
from training.feed import Feed, Source
from training.fit import History, fit, logits
from training.options import ARCHITECTURES
from training.precision import cpu_multiplies
from training.progress import Progress
from training.recipes import RECIPES, Recipe
from training.run import megaflop
from training.saving import save, served

# Keras's way to NumPy is from before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_same_seed_gives_the_same_network(trained: Callable[..., tuple[Any, History]]) -> None:
    once, again, other = (trained(name, seed)[0].get_weights() for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    np.testing.assert_array_equal(once[0], again[0])
    assert not np.array_equal(once[0], other[0])


def test_a_run_is_told_before_its_pictures_are_drawn(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def feed(_: int) -> Feed:
        raise StoppedError

    monkeypatch.setitem(RECIPES, "seed", dataclasses.replace(recipe, feed=feed))
    monkeypatch.chdir(tmp_path)
    stopped = CliRunner().invoke(train, ["--architecture", "seed", "--models", "."])
    assert isinstance(stopped.exception, StoppedError)
    assert stopped.output.startswith("training seed (seed 1, epochs 3): ")


def test_each_epoch_tells_rate_and_remaining_time(
    trained: Callable[..., tuple[Any, History]], capsys: pytest.CaptureFixture[str]
) -> None:
    trained("whole")
    told = capsys.readouterr().err
    lines = re.findall(r"^epoch \d of 3, [1-9]\d* pictures/s, \d:\d\d:\d\d left: loss .*same .* %$", told, re.MULTILINE)
    assert len(lines) == 3
    assert re.search("epochs .* 3/3 .* 0:00:00 left", told)  # the bars in 80 characters


@pytest.mark.parametrize(
    ("flags", "able"), [("fpu avx2 avx512f", False), ("fpu avx512_bf16", True), ("amx_bf16 amx_tile", True)]
)
def test_bfloat16_is_left_to_processors_that_compute_in_it(flags: str, able: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert cpu_multiplies(tmp_path / "cpuinfo") == able
    assert not cpu_multiplies(tmp_path / "missing")  # what is no Linux


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_network_is_trained_in_its_recipes_dtype(recipe: Recipe, tmp_path: Path, dtype: str) -> None:
    network, _ = fit(
        dataclasses.replace(recipe, epochs=1, dtype=lambda: dtype), seed=1, folder=tmp_path, progress=Progress()
    )
    assert network.layers[-1].dtype_policy.name == dtype


def test_the_weights_of_the_best_epoch_are_kept(recipe: Recipe, tmp_path: Path) -> None:
    restless = dataclasses.replace(recipe, optimizer=lambda _: keras.optimizers.SGD(0.005), epochs=1)
    first, _ = fit(restless, seed=1, folder=tmp_path / "first", progress=Progress())
    known = Examples(EXAMPLES.pictures, logits(first, EXAMPLES.pictures).argmax(axis=1).astype(np.uint8))
    unlearning = dataclasses.replace(restless, validation=lambda: {"as after the first epoch": known}, epochs=4)
    network, history = fit(unlearning, seed=1, folder=tmp_path / "all", progress=Progress())
    assert history.best == 0
    np.testing.assert_array_equal(network.get_weights()[0], first.get_weights()[0])


@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")  # tf2onnx is from before NumPy 2, too
def test_a_model_takes_the_place_of_another_only_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "small.keras"
    model = served(
        keras.Sequential([keras.layers.Input((SIDE, SIDE, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]), 1.0
    )
    left = tmp_path / "small.fresh"
    left.mkdir()
    (left / "small.keras").write_bytes(b"half of it, as a killed run left it")
    save(model, path, {"threshold": 0.5})
    assert not left.exists()
    assert [proved(path, runtime).threshold for runtime in ("tensorflow", "onnx")] == [0.5, 0.5]
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(TypeError):
        save(model, path, {"what JSON lacks": object()})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_epoch_shows_each_example_of_the_first_source_once() -> None:
    feed = Feed([Source(EXAMPLES, 8), Source(EXAMPLES[:4], 2)], seed=1)
    batches = list(feed.epoch(0).as_numpy_iterator())
    shown = np.concatenate([ink[:8] for ink, _ in batches])[..., 0]
    assert [len(labels) for _, labels in batches] == [10] * 8
    assert sorted((shown * 255).sum(axis=(1, 2)).round()) == sorted(EXAMPLES.pictures.astype(float).sum(axis=(1, 2)))


def test_the_last_eighth_of_the_epochs_is_distorted_half_as_much(recipe: Recipe, tmp_path: Path) -> None:
    strengths: list[float] = []

    def noting(ink: Any, _: Any, strength: float) -> Any:
        strengths.append(strength)
        return ink

    feed = Feed([Source(EXAMPLES, 8)], seed=1, distort=noting)
    noted = dataclasses.replace(recipe, feed=lambda _: feed, epochs=8)
    fit(noted, seed=1, folder=tmp_path, progress=Progress())
    a_time = len(strengths) // 9  # that TensorFlow calls it to write an epoch's graph, or the one that tells the feed
    assert strengths == [1.0] * 8 * a_time + [0.5] * a_time


def test_distortion_keeps_ink_in_range_and_follows_its_seed() -> None:
    ink = EXAMPLES.pictures[..., None].astype(np.float32) / 255
    once, again, other = (distort(ink, seed, 1.0).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    assert once.shape == ink.shape
    assert 0 <= once.min() <= once.max() <= 1


def test_weaker_distortion_changes_less() -> None:
    ink = EXAMPLES.pictures[..., None].astype(np.float32) / 255
    none, half, whole = (distort(ink, (1, 2), strength).numpy() for strength in (0.0, 0.5, 1.0))
    assert 0 < np.abs(half - none).mean() < np.abs(whole - none).mean()


def test_the_served_model_answers_the_networks_calibrated_probabilities() -> None:
    network = networks.default()
    answer = served(network, temperature=1.5)(EXAMPLES.pictures).numpy()
    expected = probabilities(logits(network, EXAMPLES.pictures) / 1.5)
    np.testing.assert_allclose(answer[:, :10], expected, atol=1e-5)


def test_the_seed_network_is_as_printed() -> None:
    network = networks.seed()
    assert network.count_params() == (25 + 1) * 32 + (25 * 32 + 1) * 64 + (4 * 4 * 64 + 1) * 1024 + (1024 + 1) * 10
    assert RECIPES["seed"].epochs == 4


def test_every_recipe_can_be_asked_for_by_its_name() -> None:
    assert set(ARCHITECTURES) == set(RECIPES)


def test_the_default_network_is_cheap() -> None:
    assert megaflop(networks.default()) <= 12
