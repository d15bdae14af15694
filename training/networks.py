# pyright: basic
# Keras and TensorFlow have no types.
"""The networks: from ink, float (n, SIDE, SIDE, 1), 0 to 1, to logits, float (n, classes)."""

from keras import Model, Sequential, layers

from shared.contract import CLASSES, SIDE


def seed() -> Model:
    """Return the network that this project began with: two 5 x 5 convolutions and a wide dense layer, 10 MFLOP."""
    return Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(1024, activation="relu"),
            layers.Dense(CLASSES),
        ],
        name="seed",
    )


def default() -> Model:
    """Return a network of six small convolutions that also knows what is no digit, 12 MFLOP."""
    return Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),  # to normalise this one, too, costs a quarter more
            *_convolution(32, strides=2),
            *_convolution(32),
            layers.MaxPooling2D(),
            *_convolution(64),
            *_convolution(64),
            layers.MaxPooling2D(padding="same"),
            *_convolution(48),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(CLASSES + 1),
        ],
        name="default",
    )


def _convolution(filters: int, strides: int = 1) -> list[layers.Layer]:
    convolution = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)
    return [convolution, layers.BatchNormalization(momentum=0.9), layers.ReLU()]
