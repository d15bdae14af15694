# pyright: basic
# Keras and TensorFlow have no types.
"""How each network is trained, by name: what it is fed, by which optimiser, for how long."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from training.datasets import Examples, mnist_train, mnist_validation
from training.feed import Feed, Source
from training.networks import NETWORKS


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train.

    Attributes:
        network: makes the untrained network, whose outputs are logits.
        optimizer: makes the optimiser for this many steps.
        feed: makes the batches by seed.
        validation: makes the sets that the best epoch is chosen on, by name; each counts the same.
        epochs: passes over MNIST.
        dtype: of the computation while training, a Keras dtype policy.
    """

    network: Callable[[], keras.Model]
    optimizer: Callable[[int], keras.optimizers.Optimizer]
    feed: Callable[[int], Feed]
    validation: Callable[[], dict[str, Examples]]
    epochs: int
    dtype: str = "float32"


def _plain_mnist(seed: int) -> Feed:
    return Feed([Source(mnist_train(), 128)], seed=seed)


RECIPES = {
    "seed": Recipe(
        network=NETWORKS["seed"],
        optimizer=lambda _: keras.optimizers.Adam(),
        feed=_plain_mnist,
        validation=lambda: {"mnist": mnist_validation()},
        epochs=4,
    ),
}
