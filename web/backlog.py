"""How much waits, since when, and how fast it goes: measured at most once a second, so that asking costs nothing."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.contract import now_ms
from shared.rate import Rate
from shared.store import Store, StoreUnavailableError

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What was seen at one moment.

    Attributes:
        count: jobs accepted and not finished, None while the store is away.
        oldest_ms: when the oldest of them was accepted (since 1970 UTC), None when there is none, or it is not known.
        rate_per_s: jobs finished a second, lately, by all workers together.
        store: ok, or what is wrong with it.
    """

    count: int | None
    oldest_ms: int | None
    rate_per_s: float
    store: str


class Backlog:
    """Measures for whoever asks; while one thread measures, the others get what was seen before.

    `finished` returns how many jobs all workers have finished since some moment of the past.
    """

    def __init__(self, store: Store, finished: Callable[[], int]) -> None:
        self._store = store
        self._finished = finished
        self._seen = Measure(None, None, 0.0, "not asked yet")
        self._seen_s = float("-inf")
        self._turn = threading.Lock()
        self._rate = Rate()

    def now(self) -> Measure:
        """Return what was seen within the last second, or a little before."""
        if time.monotonic() - self._seen_s > FRESH_S and self._turn.acquire(blocking=False):
            try:
                self._seen = self._measure()
                self._seen_s = time.monotonic()
            finally:
                self._turn.release()
        return self._seen

    def _measure(self) -> Measure:
        rate = self._rate.per_s(self._finished())
        try:
            count = self._store.backlog()
            oldest = self._store.unfinished(now_ms() + 1, 1) if count else []
        except StoreUnavailableError as error:
            return Measure(None, None, rate, str(error))
        return Measure(count, oldest[0].accepted_ms if oldest else None, rate, "ok")
