"""Waiting for an answer without polling: Redis hints that it is there, the store says what it is."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import NoReturn, cast

from pydantic import TypeAdapter, ValidationError
from redis import Redis, RedisError
from redis.client import PubSub

from shared.contract import Prediction, State
from shared.queue import DONE_CHANNEL
from shared.store import Store, StoreUnavailableError

log = logging.getLogger(__name__)

LOOK_S = 1.0  # whoever waits longer is looked for in the store this often: hints get lost
PAGE = 500  # predictions in one look
LET_GO_S = 0.1  # how often, after close, those are let go who have come since or were still being accepted

ID_LIST = TypeAdapter(list[str])  # what a hint carries, as JSON

# What became of jobs: finished, or None where nothing is kept, or nobody looks any more.
Outcomes = SimpleQueue[Mapping[str, Prediction | None]]


class NoPlaceError(Exception):
    """Raised when as many clients wait in this process as may."""


class Waiting:
    """Those who wait in this process; one thread listens for all of them, another one looks.

    Their number is bounded, so that waiting never takes the threads that new drawings need.

    Attributes:
        finished: jobs that any worker has told to be finished since this process started.
    """

    def __init__(self, store: Store, redis: Redis, *, limit: int) -> None:
        self._store = store
        self._redis = redis
        self._places = threading.BoundedSemaphore(limit)
        self._waiters: defaultdict[str, list[Outcomes]] = defaultdict(list)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.finished = 0
        threading.Thread(target=self._listen, name="hints", daemon=True).start()
        threading.Thread(target=self._keep_looking, name="looks", daemon=True).start()

    @contextmanager
    def expecting(self, *ids: str) -> Generator[Outcomes]:
        """Note that somebody wants these answers; opened before the jobs are accepted, no hint is missed."""
        outcomes: Outcomes = SimpleQueue()
        with self._lock:
            for prediction_id in ids:
                self._waiters[prediction_id].append(outcomes)
        try:
            yield outcomes
        finally:
            with self._lock:
                self._leave(ids, outcomes)

    def _leave(self, ids: Iterable[str], outcomes: Outcomes) -> None:
        for prediction_id in ids:
            self._waiters[prediction_id].remove(outcomes)
            if not self._waiters[prediction_id]:
                del self._waiters[prediction_id]

    @contextmanager
    def place(self) -> Generator[None]:
        """Hold one of the places for those who wait.

        Raises:
            NoPlaceError: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise NoPlaceError
        try:
            yield
        finally:
            self._places.release()

    def wait(
        self, ids: Collection[str], outcomes: Outcomes, seconds: float, *, are_kept: Callable[[], bool] = lambda: True
    ) -> dict[str, Prediction | None]:
        """Return what became of the jobs as `gathered` does; nothing when too many clients wait already."""
        try:
            with self.place():
                return gathered(ids, outcomes, seconds, are_kept=are_kept)
        except NoPlaceError:
            return {}

    def close(self) -> None:
        """Let everybody who waits, now or later, go on with what is known: this process is about to end."""
        self._closing.set()

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
                        self._wake(_next_hint(hints))
            except Exception as error:  # whatever it is, this thread must go on
                if not lost:
                    known = isinstance(error, RedisError | StoreUnavailableError)
                    told = "waiting clients fall back to looking each second, until hints come again: %s"
                    log.warning(told, error, exc_info=not known)
                lost = True
                time.sleep(LOOK_S)

    def _wake(self, finished: list[str]) -> None:
        self.finished += len(finished)
        with self._lock:
            wanted = [prediction_id for prediction_id in finished if prediction_id in self._waiters]
        if wanted:
            self._look(wanted)

    def _keep_looking(self) -> None:
        before: set[str] = set()
        while not self._closing.wait(LOOK_S):
            with self._lock:
                now = set(self._waiters)
            try:
                self._look(list(now & before))
            except StoreUnavailableError:
                pass  # whoever asks for anything that it keeps is told; the next look may find it back
            except Exception:
                log.exception("a look into the store failed")  # many may wait for the next one
            before = now
        self._let_go()

    def _let_go(self) -> NoReturn:
        """Tell all who wait, until the process ends, that nobody looks any more."""
        while True:
            with self._lock:
                ids = list(self._waiters)
            self._tell(dict.fromkeys(ids))
            time.sleep(LET_GO_S)

    def _look(self, ids: Sequence[str]) -> None:
        """Tell whoever waits for one of these what the store says, unless it is still queued."""
        for start in range(0, len(ids), PAGE):
            asked = ids[start : start + PAGE]
            kept = self._store.get(asked)
            self._tell({one: kept.get(one) for one in asked if one not in kept or kept[one].state is not State.QUEUED})

    def _tell(self, became: Mapping[str, Prediction | None]) -> None:
        told: defaultdict[Outcomes, dict[str, Prediction | None]] = defaultdict(dict)
        with self._lock:
            for prediction_id, prediction in became.items():
                for outcomes in self._waiters.get(prediction_id, ()):
                    told[outcomes][prediction_id] = prediction
        for outcomes, some in told.items():
            outcomes.put(some)


def _next_hint(hints: PubSub) -> list[str]:
    """Return the ids of the next hint; none when none comes within LOOK_S, or what no worker sends: anybody may."""
    hint = cast("dict[str, str] | None", hints.get_message(timeout=LOOK_S))
    try:
        return ID_LIST.validate_json(hint["data"]) if hint else []
    except ValidationError:
        log.warning("a hint is no list of ids")
        return []


def gathered(
    ids: Collection[str], outcomes: Outcomes, seconds: float, *, are_kept: Callable[[], bool] = lambda: True
) -> dict[str, Prediction | None]:
    """Return what became of the jobs within the seconds: finished, or None where the store keeps nothing any more.

    `are_kept` tells whether the store has them yet: until then one that it does not know is not forgotten.
    """
    deadline_s = time.monotonic() + seconds
    became: dict[str, Prediction | None] = {}
    while len(became) < len(ids):
        try:
            arrived = outcomes.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except Empty:
            break
        # What came first stays: an answer that is told beside those that nobody looks for any more.
        became = {one: prediction for one, prediction in arrived.items() if prediction or are_kept()} | became
    return became
