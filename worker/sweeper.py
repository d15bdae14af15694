"""Finds jobs that were accepted and not answered, and submits them again: the store keeps the promise."""

import logging
from collections.abc import Callable

from redis import Redis

from shared.contract import MAX_JOBS, Job, now_ms
from shared.queue import EPOCH_KEY, SWEEPER_KEY, Submit, oldest_waiting_ms
from shared.store import Store
from worker.counts import RESUBMISSIONS

log = logging.getLogger(__name__)

Clock = Callable[[], int]  # milliseconds since 1970 UTC

PERIOD_S = 5
LOCK_S = 3 * PERIOD_S
MARGIN_S = 5  # over the visibility timeout, for Redis's own search for abandoned messages
LIMIT = 20_000  # jobs of one sweep
IN_DOUBT = "in doubt"  # the epoch while jobs are being submitted again


class Sweeper:
    """One in every worker; the lock in Redis lets one at a time sweep, only to save work."""

    def __init__(
        self, store: Store, redis: Redis, submit: Submit, *, worker: str, visibility_s: int, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._redis = redis
        self._submit = submit
        self._worker = worker
        self._clock = clock
        self._honest_wait_ms = 1000 * (visibility_s + MARGIN_S)
        self._resubmitted: dict[str, int] = {}  # job id -> when, ms since 1970

    def sweep(self) -> int:
        """Submit again what is lost; return how many jobs that were.

        Raises:
            RedisError, SubmitError, StoreUnavailableError: try again later, nothing is forgotten.
        """
        if not self._is_mine():
            return 0
        try:
            return self._sweep()
        except Exception:
            self._redis.delete(SWEEPER_KEY)  # another may reach the store that this one does not
            raise

    def _sweep(self) -> int:
        run_id = str(self._redis.info("server")["run_id"])
        forgot = self._redis.get(EPOCH_KEY) != run_id  # flushed, restarted, or another Redis: its memory is in doubt
        if forgot:
            self._redis.set(EPOCH_KEY, IN_DOUBT)
        jobs = self._lost(self._clock() if forgot else self._last_honest_ms(), everything=forgot)
        for start in range(0, len(jobs), MAX_JOBS):
            message = jobs[start : start + MAX_JOBS]
            self._submit(message)
            RESUBMISSIONS.inc(len(message))
        self._resubmitted |= dict.fromkeys((job.id for job in jobs), self._clock())
        if forgot:
            self._redis.set(EPOCH_KEY, run_id, xx=True)  # not if Redis has forgotten again meanwhile
        if jobs:
            log.warning("%d jobs submitted again%s", len(jobs), ", Redis may have forgotten them" if forgot else "")
        return len(jobs)

    def _is_mine(self) -> bool:
        """Take or keep the lock."""
        mine = self._redis.set(SWEEPER_KEY, self._worker, nx=True, ex=LOCK_S)
        return bool(mine) or (
            self._redis.get(SWEEPER_KEY) == self._worker and bool(self._redis.expire(SWEEPER_KEY, LOCK_S))
        )

    def _last_honest_ms(self) -> int:
        """Return the time before which a submitted job can be neither in the queue nor in a living worker's hands.

        The queue is first in, first out: what was submitted before the message that is next in line has left it. It
        may be held by a worker for as long as the visibility timeout. So a long backlog is never doubled.
        """
        now = self._clock()
        return min(now, oldest_waiting_ms(self._redis) or now) - self._honest_wait_ms

    def _lost(self, before_ms: int, *, everything: bool) -> list[Job]:
        jobs = self._store.unfinished(before_ms, LIMIT)
        self._resubmitted = {job.id: self._resubmitted[job.id] for job in jobs if job.id in self._resubmitted}
        return [job for job in jobs if everything or self._resubmitted.get(job.id, 0) < before_ms]
