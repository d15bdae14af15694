"""A recipe so small that it is trained in seconds, and what interrupts its training."""

# pyright: basic
# Keras has no types.
import keras
import numpy as np

from training.datasets import Examples
from training.distort import distort
from training.feed import Feed, Source
from training.progress import Progress
from training.recipes import Recipe

RANDOM = np.random.default_rng(1)
EXAMPLES = Examples(RANDOM.integers(0, 256, (64, 28, 28), np.uint8), np.tile(np.arange(8, dtype=np.uint8), 8))


def small_recipe(feed: type[Feed] = Feed) -> Recipe:
    """Return the recipe, fed by this kind of feed."""

    def network() -> keras.Model:
        flat = [keras.layers.Input((28, 28, 1)), keras.layers.BatchNormalization(), keras.layers.Flatten()]
        return keras.Sequential([*flat, keras.layers.Dropout(0.5), keras.layers.Dense(11)])

    return Recipe(
        network=network,
        optimizer=lambda _: keras.optimizers.AdamW(0.01),
        feed=lambda seed: feed([Source(EXAMPLES, 8)], seed=seed, distort=distort),
        validation=lambda: {"same": EXAMPLES},
        epochs=3,
    )


class StoppedError(Exception):
    """What stands for Ctrl-C."""


class Stopping(Progress):
    """Progress that is interrupted after an epoch."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def epoch_done(self, epoch: int, loss: float, validation: dict[str, float]) -> None:
        if epoch == self._after:
            raise StoppedError
