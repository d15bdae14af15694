"""Waiting for an answer without polling: Redis hints that it is there, the store says what it is."""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import cast

from redis import Redis, RedisError

from shared.contract import Prediction, State
from shared.queue import DONE_CHANNEL
from shared.store import Store, StoreUnavailableError

log = logging.getLogger(__name__)

LOOK_S = 1.0  # a waiter looks into the store this often by itself: hints get lost

Arrivals = SimpleQueue[Prediction]


class Waiting:
    """Those who wait in this process, and the one thread that listens for them.

    Their number is bounded, so that waiting never takes the threads that new drawings need.
    """

    def __init__(self, store: Store, redis: Redis, *, limit: int) -> None:
        self._store = store
        self._redis = redis
        self._places = threading.BoundedSemaphore(limit)
        self._waiters: defaultdict[str, list[Arrivals]] = defaultdict(list)
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="hints", daemon=True).start()

    @contextmanager
    def expecting(self, prediction_id: str) -> Generator[Arrivals]:
        """Note that somebody wants this answer; opened before the job is accepted, no hint is missed."""
        arrivals: Arrivals = SimpleQueue()
        with self._lock:
            self._waiters[prediction_id].append(arrivals)
        try:
            yield arrivals
        finally:
            with self._lock:
                self._waiters[prediction_id].remove(arrivals)
                if not self._waiters[prediction_id]:
                    del self._waiters[prediction_id]

    def wait(self, prediction_id: str, arrivals: Arrivals, seconds: float) -> Prediction | None:
        """Return the finished prediction, or None when it takes longer, was forgotten, or too many wait already."""
        if not self._places.acquire(blocking=False):
            return None
        try:
            return self._wait(prediction_id, arrivals, time.monotonic() + seconds)
        finally:
            self._places.release()

    def _wait(self, prediction_id: str, arrivals: Arrivals, deadline_s: float) -> Prediction | None:
        while (left := deadline_s - time.monotonic()) > 0:
            try:
                return arrivals.get(timeout=min(left, LOOK_S))
            except Empty:
                prediction = self._store.get([prediction_id]).get(prediction_id)
            if prediction is None or prediction.state is not State.QUEUED:
                return prediction
        return None

    def _listen(self) -> None:
        while True:
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as hints:
                    hints.subscribe(DONE_CHANNEL)
                    while True:
                        hint = cast("dict[str, str] | None", hints.get_message(timeout=LOOK_S))
                        if hint:
                            self._wake(json.loads(hint["data"]))
            except (RedisError, StoreUnavailableError) as error:
                log.warning("waiting clients fall back to looking: %s", error)
                time.sleep(LOOK_S)
            except Exception:
                log.exception("a hint is no list of ids")  # anybody on Redis may send one: it must not end this thread

    def _wake(self, finished: list[str]) -> None:
        with self._lock:
            wanted = [prediction_id for prediction_id in finished if prediction_id in self._waiters]
        if not wanted:
            return
        predictions = self._store.get(wanted)
        with self._lock:
            for prediction_id, prediction in predictions.items():
                for arrivals in self._waiters.get(prediction_id, ()):
                    arrivals.put(prediction)
