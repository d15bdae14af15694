"""Waiting for an answer without polling: Redis hints that it is there, the store says what it is."""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import cast

from redis import Redis, RedisError

from shared.contract import Prediction, State
from shared.queue import DONE_CHANNEL
from shared.store import Store, StoreUnavailableError

log = logging.getLogger(__name__)

LOOK_S = 1.0  # a waiter looks into the store this often by itself: hints get lost

Arrivals = SimpleQueue[Sequence[Prediction] | None]  # answers as they come; None when there is nothing to wait for


class NoPlaceError(Exception):
    """Raised when as many clients wait in this process as may."""


class Waiting:
    """Those who wait in this process, and the one thread that listens for them.

    Their number is bounded, so that waiting never takes the threads that new drawings need.

    Attributes:
        finished: jobs that any worker has told to be finished since this process started.
    """

    def __init__(self, store: Store, redis: Redis, *, limit: int) -> None:
        self._store = store
        self._redis = redis
        self._places = threading.BoundedSemaphore(limit)
        self._waiters: defaultdict[str, list[Arrivals]] = defaultdict(list)
        self._lock = threading.Lock()
        self.finished = 0
        threading.Thread(target=self._listen, name="hints", daemon=True).start()

    @contextmanager
    def expecting(self, *ids: str) -> Generator[Arrivals]:
        """Note that somebody wants these answers; opened before the jobs are accepted, no hint is missed."""
        arrivals: Arrivals = SimpleQueue()
        with self._lock:
            for prediction_id in ids:
                self._waiters[prediction_id].append(arrivals)
        try:
            yield arrivals
        finally:
            with self._lock:
                self._leave(ids, arrivals)

    def _leave(self, ids: Iterable[str], arrivals: Arrivals) -> None:
        for prediction_id in ids:
            self._waiters[prediction_id].remove(arrivals)
            if not self._waiters[prediction_id]:
                del self._waiters[prediction_id]

    @contextmanager
    def place(self) -> Generator[None]:
        """Hold one of the places for those who wait.

        Raises:
            NoPlaceError: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise NoPlaceError("too many clients wait at this server")
        try:
            yield
        finally:
            self._places.release()

    def wait(
        self, ids: Collection[str], arrivals: Arrivals, seconds: float, *, are_kept: Callable[[], bool] = lambda: True
    ) -> dict[str, Prediction]:
        """Return what became of the jobs within the seconds; none of them when too many clients wait already.

        `are_kept` tells whether the store has them yet: until then one that it does not know is not forgotten.
        """
        try:
            with self.place():
                return self._wait(ids, arrivals, seconds, are_kept)
        except NoPlaceError:
            return {}

    def next(self, prediction_id: str, arrivals: Arrivals, seconds: float) -> Prediction | None:
        """Return the prediction once it is finished, or queued as it is after the seconds; None when it was forgotten.

        Whoever calls this holds a place.
        """
        return self._wait([prediction_id], arrivals, seconds, lambda: True).get(prediction_id)

    def _wait(
        self, ids: Collection[str], arrivals: Arrivals, seconds: float, are_kept: Callable[[], bool]
    ) -> dict[str, Prediction]:
        """Return the predictions once all are finished, or as they are after the seconds; the forgotten are absent."""
        deadline_s = time.monotonic() + seconds
        finished: dict[str, Prediction] = {}
        looked: dict[str, Prediction] = {}
        missing, is_over = set(ids), False
        while missing and not is_over:
            left = deadline_s - time.monotonic()
            try:
                arrived = arrivals.get(timeout=min(max(left, 0.0), LOOK_S))
                found, is_over = arrived or (), arrived is None
            except Empty:
                is_over = left <= LOOK_S
                if not are_kept():
                    continue
                looked = self._store.get(missing)
                found, missing = looked.values(), set(looked)
            finished |= {prediction.id: prediction for prediction in found if prediction.state is not State.QUEUED}
            missing -= finished.keys()
        return looked | finished

    def _listen(self) -> None:
        lost = False  # told once, not with each try: a log is read by somebody who looks for something
        while True:
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as hints:
                    hints.subscribe(DONE_CHANNEL)
                    if lost:
                        log.warning("waiting clients are woken by hints again")
                        lost = False
                    while True:
                        hint = cast("dict[str, str] | None", hints.get_message(timeout=LOOK_S))
                        if hint:
                            self._wake(json.loads(hint["data"]))
            except (RedisError, StoreUnavailableError) as error:
                if not lost:
                    log.warning("waiting clients fall back to looking each second, until hints come again: %s", error)
                lost = True
                time.sleep(LOOK_S)
            except Exception:
                log.exception("a hint is no list of ids")  # anybody on Redis may send one: it must not end this thread

    def _wake(self, finished: list[str]) -> None:
        self.finished += len(finished)
        with self._lock:
            wanted = [prediction_id for prediction_id in finished if prediction_id in self._waiters]
        if not wanted:
            return
        predictions = self._store.get(wanted)
        arrived: defaultdict[Arrivals, list[Prediction]] = defaultdict(list)
        with self._lock:
            for prediction_id, prediction in predictions.items():
                for arrivals in self._waiters.get(prediction_id, ()):
                    arrived[arrivals].append(prediction)
        for arrivals, found in arrived.items():
            arrivals.put(found)
