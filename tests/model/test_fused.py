"""What is computed quicker while a network learns is still Keras's batch normalisation."""

# pyright: basic
# Keras and TensorFlow have no types.
import keras
import numpy as np
from keras import layers

from training.fused import fused


def test_a_fused_network_learns_remembers_and_answers_as_keras_own_does() -> None:
    keras.utils.set_random_seed(1)
    own = keras.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(3, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.7),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    quick = fused(own)
    random = np.random.default_rng(1)
    ink, labels = random.random((64, 6, 6, 1), np.float32), random.integers(2, size=64)
    before = own.get_weights()
    for network in (own, quick):
        network.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        network.train_on_batch(ink, labels)
        network.train_on_batch(ink[:32], labels[:32])
    for first, learnt, same in zip(before, own.get_weights(), quick.get_weights(), strict=True):
        assert not np.array_equal(first, learnt)
        np.testing.assert_allclose(same, learnt, rtol=0.02, atol=1e-5)  # a variance of 512 numbers, by 512 or by 511
    np.testing.assert_allclose(quick(ink).numpy(), own(ink).numpy(), rtol=0.02, atol=1e-4)
