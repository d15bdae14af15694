"""How much waits, since when, and how fast it goes: measured once a second, so that asking costs nothing."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.contract import now_ms
from shared.rate import Rate
from shared.store import Store, StoreUnavailableError

log = logging.getLogger(__name__)

PERIOD_S = 1.0
PROOF_S = 5.0  # between proofs that the store takes writes: each is one, and often nobody is drawing


@dataclass(frozen=True, slots=True)
class Measure:
    """What was seen at one moment.

    Attributes:
        count: jobs accepted and not finished, None before the first measure, or after one that failed.
        oldest_ms: when the oldest of them was accepted (since 1970 UTC), None when there is none, or it is not known.
        rate_per_s: jobs finished a second, lately, by all workers together.
        store: ok, or what is wrong with it.
    """

    count: int | None
    oldest_ms: int | None
    rate_per_s: float
    store: str

    def oldest_s(self) -> float | None:
        """Return for how many seconds the oldest has waited by now; None as for oldest_ms."""
        return None if self.oldest_ms is None else max(0, now_ms() - self.oldest_ms) / 1000


class Backlog:
    """Measures in a thread of its own: a store that is slow, or away, delays nobody who asks.

    `finished` returns how many jobs all workers have finished since some moment of the past.
    """

    def __init__(self, store: Store, finished: Callable[[], int]) -> None:
        self._store = store
        self._finished = finished
        self._seen = Measure(None, None, 0.0, "not asked yet")
        self._proof_s = time.monotonic()  # when the next is due
        self._turn = threading.Lock()
        self._rate = Rate()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_measuring, name="backlog", daemon=True)
        self._thread.start()

    def now(self) -> Measure:
        """Return the last measure: PERIOD_S old at most, and as much older as the store takes for the next one."""
        return self._seen

    def measure(self) -> None:
        """Measure now, once a measure under way is over."""
        with self._turn:
            self._seen = self._measured()

    def close(self) -> None:
        """Look no more; what was seen last stays."""
        self._closing.set()
        self._thread.join()

    def _keep_measuring(self) -> None:
        while not self._closing.is_set():
            self.measure()
            self._closing.wait(PERIOD_S)

    def _measured(self) -> Measure:
        rate = self._rate.per_s(self._finished())
        try:
            self._prove_writable()
            count = self._store.backlog()
            oldest = self._store.unfinished(now_ms() + 1, 1) if count else []
        except StoreUnavailableError as error:
            return Measure(None, None, rate, str(error))
        except Exception:
            log.exception("the backlog cannot be measured")  # this thread must go on
            return Measure(None, None, rate, "the backlog cannot be measured: web's log tells why")
        return Measure(count, oldest[0].accepted_ms if oldest else None, rate, "ok")

    def _prove_writable(self) -> None:
        """Raise StoreUnavailableError for a store that is full, say: it still reads, and refuses every drawing."""
        if time.monotonic() >= self._proof_s:
            self._store.ping()
            self._proof_s = time.monotonic() + PROOF_S
