"""The last stage before the acknowledgement: answers become durable, then whoever waits is told."""

import json
import logging
from collections.abc import Collection, Sequence
from threading import Event
from typing import Any

from redis import Redis, RedisError

from shared.contract import Prediction, now_ms
from shared.queue import DONE_CHANNEL
from shared.store import Store, StoreUnavailableError
from worker.attempts import Attempts
from worker.counts import DUPLICATES

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class Keeping:
    """Writes the answers of everything that has gathered in one go; a Batcher calls it, in one thread."""

    def __init__(
        self, store: Store, redis: Redis, attempts: Attempts, *, longest_pause_s: float = LONGEST_PAUSE_S
    ) -> None:
        self._store = store
        self._redis = redis
        self._attempts = attempts
        self._longest_pause_s = longest_pause_s
        self._stopping = Event()

    def stop(self) -> None:
        """Do not wait any longer for a store that is away: the process is about to end."""
        self._stopping.set()

    def keep(self, predictions: Sequence[Prediction]) -> Sequence[None]:
        """Return when the predictions are durable, however long the store is away.

        Meanwhile no more is taken from the queue than the process may hold, since each message's thread waits for this.

        Raises:
            StoreUnavailableError: when the process is to end before the store is back.
        """
        DUPLICATES.inc(self._finish(predictions))
        self._tell(predictions)
        durable_ms = now_ms()
        log.info("answered", extra={"each": [_line(prediction, durable_ms) for prediction in predictions]})
        return [None] * len(predictions)

    def kept(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids whose answers are durable, and tell it once more: who kept them may not have."""
        try:
            found = self._store.get(ids).values()
        except StoreUnavailableError:
            return set()
        answered = [prediction for prediction in found if prediction.finished_ms is not None]
        if answered:
            self._tell(answered)
        return {prediction.id for prediction in answered}

    def _finish(self, predictions: Sequence[Prediction]) -> int:
        pause = FIRST_PAUSE_S
        while True:
            try:
                return self._store.finish(predictions)
            except StoreUnavailableError as error:
                log.warning("%d answers wait for the store: %s", len(predictions), error)
                if self._stopping.wait(pause):
                    raise
                pause = min(2 * pause, self._longest_pause_s)

    def _tell(self, predictions: Sequence[Prediction]) -> None:
        try:
            with self._redis.pipeline(transaction=False) as once:
                once.publish(DONE_CHANNEL, json.dumps([prediction.id for prediction in predictions]))
                # A job that was given up without a call stays counted: its message may come again, and would kill again
                self._attempts.end([prediction.id for prediction in predictions if prediction.batch_size], once)
                once.execute()
        except RedisError as error:
            log.warning("nobody was told of %d answers, Redis is away: %s", len(predictions), error)


def _line(prediction: Prediction, durable_ms: int) -> dict[str, Any]:
    """Return what the log tells of an answer: how it went, and never what was drawn."""
    return {
        "job": prediction.id,
        "ms": durable_ms - prediction.accepted_ms,
        "state": prediction.state,
        "batch_size": prediction.batch_size,
        "attempts": prediction.attempts,
    }
