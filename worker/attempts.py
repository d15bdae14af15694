"""Counts the model calls begun for each job, so that a job which kills its process is found out."""

import logging
from collections.abc import Callable, Sequence

from redis import Redis, RedisError

from shared.contract import now_ms
from shared.queue import ATTEMPTS_KEY

log = logging.getLogger(__name__)

DAY_S = 24 * 3600


class Attempts:
    """The counts, in Redis, where they outlive a dead worker.

    A count is taken back by the job's answer, so one above 1 means: a model call for it was begun, and either never
    ended or its answer is not durable yet. From then on each call that ends is taken back: those that never end add up.
    Losing the counts (Redis emptied or away) costs a killer job some more attempts and nobody else anything. So does a
    new day's hash, without which the counts of jobs that were given up would stay for ever.
    """

    def __init__(self, redis: Redis, clock: Callable[[], int] = now_ms) -> None:
        self._redis = redis
        self._clock = clock

    def begin(self, ids: Sequence[str]) -> dict[str, int]:
        """Count one more model call for each id; return the counts by id."""
        return self._add(ids, 1)

    def withdraw(self, ids: Sequence[str]) -> None:
        """Take back one count for each id: its model call has ended, or was not begun after all."""
        self._add(ids, -1)

    def _add(self, ids: Sequence[str], amount: int) -> dict[str, int]:
        unique, key = list(dict.fromkeys(ids)), self._key()
        pipeline = self._redis.pipeline(transaction=False)
        for job_id in unique:
            pipeline.hincrby(key, job_id, amount)
        pipeline.expire(key, DAY_S)
        try:
            counts = pipeline.execute()
        except RedisError as error:
            log.warning("attempts not counted, Redis is away: %s", error)
            return dict.fromkeys(unique, 1)
        return dict(zip(unique, counts, strict=False))  # the last reply is expire's

    def end(self, ids: Sequence[str], redis: Redis) -> None:
        """Forget the counts by this client or pipeline: the answers are there."""
        if ids:
            redis.hdel(self._key(), *ids)

    def _key(self) -> str:
        return f"{ATTEMPTS_KEY}{self._clock() // 1000 // DAY_S}"
