# pyright: basic
# Keras and TensorFlow have no types.
"""Batch normalisation in one kernel while a network learns: Keras's own goes over a layer's outputs again and again."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers


def fused(network: keras.Model) -> keras.Model:
    """Return the network to train: the same layers and weights, but for how its batch normalisation is computed.

    A step of `default` takes a quarter less time so (two cores that multiply in bfloat16: 77 -> 56 ms; in float32 a
    tenth less). It ends with another network, as from another seed: sums are rounded differently.
    """
    quick = keras.models.clone_model(network, clone_function=_fused)
    quick.set_weights(network.get_weights())
    return quick


def _fused(layer: layers.Layer) -> layers.Layer:
    kind = FusedNormalization if type(layer) is layers.BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


@keras.saving.register_keras_serializable("quill")
class FusedNormalization(layers.BatchNormalization):
    """Keras's, but for the training of what TensorFlow's fused kernel takes: (n, high, wide, channels)."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the inputs normalised by their own mean and variance, or, to be used, by those of training."""
        if not training or len(inputs.shape) != 4 or self.axis not in {-1, 3}:
            return super().call(inputs, training=training, mask=mask)
        scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon
        )
        self._remember(self.moving_mean, mean)
        self._remember(self.moving_variance, variance)
        return outputs

    def _remember(self, moving: Any, fresh: Any) -> None:
        moving.assign(moving * self.momentum + fresh * (1 - self.momentum))
