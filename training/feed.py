# pyright: basic
# Keras and TensorFlow have no types.
"""What a network is fed: batches drawn from the sources by seed and epoch, distorted on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.datasets import Examples

# float (n, SIDE, SIDE, 1) ink 0 to 1, a stateless seed, how strongly (0 to 1) -> the same, distorted
Distort = Callable[[Any, Any, float], Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Examples of one kind and how many of them are in every batch."""

    examples: Examples
    share: int


def _untuned() -> Any:
    """Return options that tune nothing, as there is nothing to: parallel calls and prefetching are given.

    What tunes sleeps twice as long each time, from 10 ms to a minute (TensorFlow's kOptimizationPeriodMinMs),
    and now and then an epoch that is over has to wait until it wakes: up to 5 s were seen after 60 steps.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


class Feed:
    """Batches in which each source has its share; an epoch is one pass over the first source."""

    def __init__(self, sources: Sequence[Source], *, seed: int, distort: Distort | None = None) -> None:
        self._sources = sources
        # As tensors once: each epoch's graph would else hold a copy of all pictures to the end of the run.
        self._tensors = [(tf.constant(s.examples.pictures), tf.constant(s.examples.labels)) for s in sources]
        self._seed = seed
        self._distort = distort
        self.steps = len(sources[0].examples) // sources[0].share

    def and_also(self, source: Source) -> "Feed":
        """Return a feed of one source more."""
        return Feed([*self._sources, source], seed=self._seed, distort=self._distort)

    @property
    def batch_size(self) -> int:
        """How many examples a batch has."""
        return sum(source.share for source in self._sources)

    def epoch(self, number: int, strength: float = 1.0) -> Any:
        """Return the epoch's batches (ink 0 to 1, labels), the same for the same seed and number.

        Args:
            number: the epoch's.
            strength: how strongly pictures are distorted, 0 to 1.
        """
        random = np.random.default_rng((self._seed, number))
        chosen = tuple(self._chosen(source, random) for source in self._sources)
        seeds = random.integers(2**31, size=(self.steps, 2), dtype=np.int32)
        steps = tf.data.Dataset.from_tensor_slices((chosen, seeds))
        return steps.map(partial(self._batch, strength), num_parallel_calls=2).prefetch(4).with_options(_untuned())

    def _chosen(self, source: Source, random: np.random.Generator) -> NDArray[np.int32]:
        """Return the examples' numbers, (steps, share): all of them before any comes again."""
        needed = self.steps * source.share
        rounds = -(-needed // len(source.examples))
        numbers = np.concatenate([random.permutation(len(source.examples)) for _ in range(rounds)])
        return numbers[:needed].reshape(self.steps, source.share).astype(np.int32)

    def _batch(self, strength: float, chosen: Sequence[Any], seed: Any) -> tuple[Any, Any]:
        parts = list(zip(self._tensors, chosen, strict=True))
        pictures = tf.concat([tf.gather(pictures, numbers) for (pictures, _), numbers in parts], axis=0)
        labels = tf.concat([tf.gather(labels, numbers) for (_, labels), numbers in parts], axis=0)
        ink = tf.expand_dims(tf.cast(pictures, tf.float32), -1) / 255
        return (self._distort(ink, seed, strength) if self._distort else ink), labels
