"""The sweeper on a real Redis and a real store: what is lost is submitted again, and nothing else."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from shared.contract import MAX_JOBS, PICTURE_BYTES, QUEUE, Job, Prediction, State, new_id, now_ms
from shared.queue import EPOCH_KEY, SUBMITTED_HEADER, SWEEPER_KEY
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from worker.counts import REGISTRY
from worker.sweeper import LOCK_S, Sweeper

pytestmark = pytest.mark.integration

VISIBILITY_S = 30
LONG_AGO_MS = 60_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        client.set(EPOCH_KEY, client.info("server")["run_id"])
        yield client


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(Settings(store_url=f"sqlite:///{tmp_path}/quill.db"))
    yield store
    store.close()


class Submitted(list[Job]):
    def __call__(self, jobs: Sequence[Job]) -> None:
        self.extend(jobs)


@pytest.fixture
def submitted() -> Submitted:
    return Submitted()


@pytest.fixture
def sweeper(store: Store, redis: Redis, submitted: Submitted) -> Sweeper:
    return Sweeper(store, redis, submitted, worker="w1", visibility_s=VISIBILITY_S)


def add(store: Store, age_ms: int) -> Job:
    job = Job(new_id(), (bytes(PICTURE_BYTES),), now_ms() - age_ms)
    store.add([job])
    return job


def test_a_job_older_than_the_longest_honest_wait_is_submitted_again(
    store: Store, sweeper: Sweeper, submitted: Submitted
) -> None:
    lost = add(store, LONG_AGO_MS)
    assert sweeper.sweep() == 1
    assert submitted == [lost]


def test_a_young_job_and_a_finished_one_are_left_alone(store: Store, redis: Redis, submitted: Submitted) -> None:
    young, old = add(store, 0), add(store, LONG_AGO_MS)
    store.finish([Prediction(old.id, old.pictures, old.accepted_ms, State.DONE, 1, "7")])
    age_ms = 1000 * (VISIBILITY_S + 5)  # Redis is searched for what dead workers held every 5 s
    sweeper = Sweeper(
        store, redis, submitted, worker="w1", visibility_s=VISIBILITY_S, clock=lambda: young.accepted_ms + age_ms
    )
    assert sweeper.sweep() == 0
    age_ms += 1
    assert sweeper.sweep() == 1


def test_a_clock_that_is_ahead_makes_no_job_old(store: Store, redis: Redis, sweeper: Sweeper) -> None:
    add(store, 1000)
    redis.lpush(QUEUE, json.dumps({"headers": {SUBMITTED_HEADER: now_ms() + LONG_AGO_MS}}))
    assert sweeper.sweep() == 0


def test_a_job_is_not_submitted_again_and_again(store: Store, sweeper: Sweeper) -> None:
    add(store, LONG_AGO_MS)
    assert [sweeper.sweep(), sweeper.sweep()] == [1, 0]


def test_a_job_that_is_lost_once_more_is_submitted_once_more(store: Store, redis: Redis, submitted: Submitted) -> None:
    lost = add(store, LONG_AGO_MS)
    ahead_ms = 0
    sweeper = Sweeper(
        store, redis, submitted, worker="w1", visibility_s=VISIBILITY_S, clock=lambda: now_ms() + ahead_ms
    )
    assert sweeper.sweep() == 1
    ahead_ms = 1000
    assert sweeper.sweep() == 0
    ahead_ms = LONG_AGO_MS
    assert sweeper.sweep() == 1
    assert submitted == [lost, lost]


def test_what_is_submitted_again_is_counted(store: Store, sweeper: Sweeper) -> None:
    before = REGISTRY.get_sample_value("quill_resubmissions_total") or 0
    for _ in range(3):
        add(store, LONG_AGO_MS)
    sweeper.sweep()
    assert REGISTRY.get_sample_value("quill_resubmissions_total") == before + 3


def test_no_message_carries_more_jobs_than_a_worker_takes(store: Store, redis: Redis) -> None:
    for _ in range(MAX_JOBS + 1):
        add(store, LONG_AGO_MS)
    sizes: list[int] = []
    Sweeper(store, redis, lambda jobs: sizes.append(len(jobs)), worker="w1", visibility_s=VISIBILITY_S).sweep()
    assert sizes == [MAX_JOBS, 1]


def test_a_long_backlog_is_not_doubled(store: Store, redis: Redis, sweeper: Sweeper) -> None:
    """The message that is next in line was submitted before the job: so the job's message may still be waiting."""
    add(store, LONG_AGO_MS)
    message = {"headers": {SUBMITTED_HEADER: now_ms() - LONG_AGO_MS - 1000}}
    redis.lpush(QUEUE, json.dumps(message))
    assert sweeper.sweep() == 0


@pytest.mark.parametrize("junk", [b"\xff", b"{", b"7", b"[" * 100_000, b'{"headers": {"submitted_ms": "1"}}'])
def test_what_a_stranger_puts_into_the_queue_does_not_stop_the_sweeper(
    store: Store, redis: Redis, sweeper: Sweeper, junk: bytes
) -> None:
    add(store, LONG_AGO_MS)
    redis.lpush(QUEUE, junk)
    assert sweeper.sweep() == 1


def test_a_redis_that_forgets_while_jobs_are_submitted_again_is_not_believed(store: Store, redis: Redis) -> None:
    add(store, 0)
    redis.delete(EPOCH_KEY)
    flush_now = iter([True])

    def submit(_: Sequence[Job]) -> None:
        if next(flush_now, False):
            redis.flushdb()

    sweeper = Sweeper(store, redis, submit, worker="w1", visibility_s=VISIBILITY_S)
    assert [sweeper.sweep(), sweeper.sweep(), sweeper.sweep()] == [1, 1, 0]


@pytest.mark.parametrize("epoch", [None, "another Redis"])
def test_when_redis_lost_its_memory_everything_is_submitted_again_once(
    store: Store, redis: Redis, sweeper: Sweeper, epoch: str | None
) -> None:
    add(store, 0)
    redis.delete(EPOCH_KEY)
    if epoch:
        redis.set(EPOCH_KEY, epoch)
    assert [sweeper.sweep(), sweeper.sweep()] == [1, 0]


def test_the_queue_is_judged_by_the_message_that_is_next_not_by_the_last(
    store: Store, redis: Redis, sweeper: Sweeper
) -> None:
    """Redis hands out the right of the list first: only what was submitted before that one has left the queue."""
    add(store, LONG_AGO_MS)
    for age_ms in (LONG_AGO_MS + 1000, 0):
        redis.lpush(QUEUE, json.dumps({"headers": {SUBMITTED_HEADER: now_ms() - age_ms}}))
    assert sweeper.sweep() == 0


def test_who_sweeps_keeps_the_lock_by_sweeping_and_loses_it_by_dying(redis: Redis, sweeper: Sweeper) -> None:
    sweeper.sweep()
    assert 0 < redis.ttl(SWEEPER_KEY) <= LOCK_S
    redis.expire(SWEEPER_KEY, 1)
    sweeper.sweep()
    assert redis.ttl(SWEEPER_KEY) > 1


def test_who_cannot_sweep_lets_another(store: Store, redis: Redis, submitted: Submitted, sweeper: Sweeper) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailableError

    cut_off: Any = SimpleNamespace(unfinished=away)
    add(store, LONG_AGO_MS)
    with pytest.raises(StoreUnavailableError):
        Sweeper(cut_off, redis, submitted, worker="w2", visibility_s=VISIBILITY_S).sweep()
    assert sweeper.sweep() == 1


def test_one_sweeps_at_a_time_and_another_takes_over(
    store: Store, redis: Redis, submitted: Submitted, sweeper: Sweeper
) -> None:
    other = Sweeper(store, redis, submitted, worker="w2", visibility_s=VISIBILITY_S)
    sweeper.sweep()
    add(store, LONG_AGO_MS)
    assert other.sweep() == 0
    redis.delete(SWEEPER_KEY)  # as it expires when its worker dies
    assert other.sweep() == 1
