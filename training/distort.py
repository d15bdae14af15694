# pyright: basic
# TensorFlow has no types.
"""Distorts a batch of pictures so that a network never sees the same one twice: place, slant, bends, thickness, ink."""

from typing import Any

import numpy as np
import tensorflow as tf

from shared.contract import SIDE

Tensor = Any

_random: Any = tf.random  # its annotations deny shapes that hold tensors

_TURN = 0.22  # radians at most
_SLANT = 0.25
_STRETCH = 0.16  # of the logarithm of each axis's scale
_SHIFT = 0.5  # pixels, a standard deviation: a picture is centred to the pixel
_BEND = 0.6  # pixels, a standard deviation
_KNOTS = 6  # a side: where the bends are drawn

_AXIS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
_PLACES = np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1)  # (SIDE, SIDE, 2): x, y from the centre


def distort(ink: Tensor, seed: Tensor, strength: float) -> Tensor:
    """Return the pictures, float (n, SIDE, SIDE, 1) ink 0 to 1, distorted; the same for the same seed.

    Args:
        ink: the pictures.
        seed: a stateless seed, two integers.
        strength: of turns, slants, stretches and bends, 0 for none to 1; place, thickness and ink always change.
    """
    seeds = tf.unstack(tf.random.split(seed, 6))
    count = tf.shape(ink)[0]
    places = tf.einsum("yxi,nij->nyxj", _PLACES, _slants(count, seeds[0], strength))
    places += _SHIFT * _random.stateless_normal((count, 1, 1, 2), seeds[1]) + strength * _bends(count, seeds[2])
    return _inked(_thicker_or_thinner(_sampled(ink, places), seeds[3]), seeds[4])


def _slants(count: Tensor, seed: Tensor, strength: float) -> Tensor:
    """Return matrices (n, 2, 2) that turn, slant and stretch."""
    turn, slant, wide, high = tf.unstack(strength * _random.stateless_uniform((4, count), seed, -1, 1))
    cos, sin = tf.cos(_TURN * turn), tf.sin(_TURN * turn)
    turned = tf.reshape(tf.stack([cos, sin, -sin, cos], axis=1), (-1, 2, 2))
    wide, high = tf.exp(_STRETCH * wide), tf.exp(_STRETCH * high)
    stretched = tf.reshape(tf.stack([wide, tf.zeros_like(wide), _SLANT * slant, high], axis=1), (-1, 2, 2))
    return turned @ stretched


def _bends(count: Tensor, seed: Tensor) -> Tensor:
    """Return smooth displacements, pixels (n, SIDE, SIDE, 2)."""
    knots = _BEND * _random.stateless_normal((count, _KNOTS, _KNOTS, 2), seed)
    return tf.image.resize(knots, (SIDE, SIDE), "bicubic")


def _sampled(ink: Tensor, places: Tensor) -> Tensor:
    """Return the ink at the places, x and y from the centre, between pixels in proportion."""
    places = tf.clip_by_value(places + (SIDE - 1) / 2, 0.0, SIDE - 1.001)
    corner = tf.floor(places)
    right, down = tf.split(places - corner, 2, axis=-1)
    column, row = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    flat, first = tf.reshape(ink, (-1, SIDE * SIDE)), row * SIDE + column

    def at(step: int) -> Tensor:
        return tf.expand_dims(tf.gather(flat, first + step, batch_dims=1), -1)

    above = at(0) + right * (at(1) - at(0))
    below = at(SIDE) + right * (at(SIDE + 1) - at(SIDE))
    return above + down * (below - above)


def _thicker_or_thinner(ink: Tensor, seed: Tensor) -> Tensor:
    """Return the ink, a quarter of the pictures thickened and a fifth thinned, by up to a pixel a side."""
    kind, amount = tf.unstack(_random.stateless_uniform((2, tf.shape(ink)[0], 1, 1, 1), seed))
    thick = tf.nn.max_pool2d(ink, 3, 1, "SAME")
    thin = -tf.nn.max_pool2d(-ink, 3, 1, "SAME")
    changed = tf.where(kind < 0.25, thick, tf.where(kind > 0.8, thin, ink))
    return ink + amount * (changed - ink)


def _inked(ink: Tensor, seed: Tensor) -> Tensor:
    """Return the ink stronger or weaker."""
    strength = tf.exp(_random.stateless_uniform((tf.shape(ink)[0], 1, 1, 1), seed, -0.35, 0.35))
    return tf.clip_by_value(ink * strength, 0.0, 1.0)
