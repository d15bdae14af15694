"""Refuses, before anything is promised, what could not be answered soon."""

import math
import threading

from web.backlog import Backlog, Measure
from web.problems import Problem
from web.shares import Shares

ADMISSION_PROBLEMS = ("rate-limited", "overloaded")
LONGEST_S = 60  # that a refused client is told to wait
ROOM = 0.1  # of the backlog's limit: what has to drain before a refused client should come back


class Admission:
    """The door: one limit for what all clients may have waiting, one for what a client may send."""

    def __init__(self, backlog: Backlog, shares: Shares, *, backlog_limit: int) -> None:
        self._backlog = backlog
        self._backlog_limit = backlog_limit
        self._shares = shares
        self._seen: Measure | None = None
        self._admitted = 0  # since it was measured
        self._lock = threading.Lock()

    def admit(self, client: str | None, jobs: int = 1) -> None:
        """Return when the client may hand in so many drawings.

        Args:
            client: its address; a proxy may have told its port, too.
            jobs: how many.

        Raises:
            Problem: 429 when it has had its share of this minute, 503 when too much waits already; both with the
                seconds after which to come back. 422 when so many are never taken at once.
        """
        most = min(self._shares.most, self._backlog_limit)
        if jobs > most:
            raise Problem("wrong-length", f"No more than {most} drawings are taken at once here, these are {jobs}.")
        if not self._shares.take(_address(client or "unknown"), jobs):
            raise Problem(
                "rate-limited",
                f"One client may send {self._shares.most} drawings a minute.",
                retry_after_s=self._shares.renewed_in_s(),
            )
        measure = self._backlog.now()
        if not self._has_room(measure, jobs):
            raise Problem(
                "overloaded",
                f"Too many drawings wait already: no more than {self._backlog_limit} may.",
                retry_after_s=self._until_room_s(measure),
            )

    def _has_room(self, measure: Measure, jobs: int) -> bool:
        """Tell whether so many more may wait, and count them as admitted if so.

        Where the count is not known all may: before the first measure, and while the store is away, which then refuses.
        Those admitted while a measure was under way are counted by the next one.
        """
        with self._lock:
            if measure is not self._seen:
                self._seen, self._admitted = measure, 0
            if (measure.count or 0) + self._admitted + jobs > self._backlog_limit:
                return False
            self._admitted += jobs
            return True

    def _until_room_s(self, measure: Measure) -> int:
        """Return how long the workers take for a tenth of the limit, at the pace that was measured."""
        if not measure.rate_per_s:
            return LONGEST_S
        return min(LONGEST_S, math.ceil(ROOM * self._backlog_limit / measure.rate_per_s))


def _address(client: str) -> str:
    """Return an ADDRESS:PORT or [ADDRESS]:PORT without the port, and an IPv6 address as it is."""
    if client.startswith("["):
        return client[1:].partition("]")[0]
    return client.partition(":")[0] if client.count(":") == 1 else client
