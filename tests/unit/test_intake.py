"""The intake: durable first, submitted right after, refused when the store refuses."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from shared.bad_image import BadImageError
from shared.contract import MAX_JOBS, PICTURE_BYTES, ContractError, Job, new_id, now_ms
from shared.queue import SubmitError
from shared.reading import Reading
from shared.store import StoreUnavailableError
from web.intake import Intake

DEADLINE_S = 10


class FakeStore:
    """Notes what is added, and can be away."""

    def __init__(self) -> None:
        self.added: list[Job] = []
        self.away = False

    def add(self, jobs: Sequence[Job]) -> None:
        if self.away:
            raise StoreUnavailableError("away")
        self.added += jobs


class Queue:
    """Notes what is submitted, and whether it was durable by then; refuses as often as told."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.messages: list[list[Job]] = []
        self.refusals = 0
        self.took = threading.Semaphore(0)

    def __call__(self, jobs: Sequence[Job]) -> None:
        assert set(jobs) <= set(self.store.added), "submitted before it was durable"
        if self.refusals:
            self.refusals -= 1
            raise SubmitError("away")
        self.messages.append(list(jobs))
        self.took.release()


def some_jobs(count: int) -> list[Job]:
    return [Job(new_id(), (bytes(PICTURE_BYTES),), 1) for _ in range(count)]


@pytest.fixture
def store() -> Any:
    return FakeStore()


@pytest.fixture
def queue(store: FakeStore) -> Queue:
    return Queue(store)


def test_an_accepted_job_is_durable_and_gets_submitted(store: Any, queue: Queue) -> None:
    jobs = some_jobs(1)
    Intake(store, queue).accept(jobs).result()
    assert store.added == jobs
    assert queue.took.acquire(timeout=DEADLINE_S)
    assert queue.messages == [jobs]


def test_a_drawing_is_accepted_once_it_is_read(store: Any, queue: Queue) -> None:
    reading: Reading = Future()
    job_id, drawn_ms = new_id(), now_ms()
    accepted = Intake(store, queue).accept_read(job_id, reading)
    assert not accepted.done()
    reading.set_result([(bytes(PICTURE_BYTES),)])
    assert accepted.result(DEADLINE_S) == store.added
    (job,) = store.added
    assert job.id == job_id
    assert drawn_ms <= job.accepted_ms <= now_ms()


def test_what_is_no_drawing_is_not_accepted(store: Any, queue: Queue) -> None:
    reading: Reading = Future()
    reading.set_result([BadImageError("blank-drawing", "nothing there")])
    with pytest.raises(BadImageError):
        Intake(store, queue).accept_read(new_id(), reading).result(DEADLINE_S)
    assert not store.added


def test_whoever_waits_is_told_what_fails_before_the_store(store: Any, queue: Queue) -> None:
    unread: Reading = Future()
    accepted = Intake(store, queue).accept_read(new_id(), unread)
    unread.set_exception(OSError("no more processes"))
    with pytest.raises(OSError, match="no more processes"):
        accepted.result(DEADLINE_S)
    without_pictures: Reading = Future()
    accepted = Intake(store, queue).accept_read(new_id(), without_pictures)
    without_pictures.set_result([()])
    with pytest.raises(ContractError):
        accepted.result(DEADLINE_S)


def test_when_the_store_refuses_nothing_is_promised(store: Any, queue: Queue) -> None:
    store.away = True
    intake = Intake(store, queue)
    with pytest.raises(StoreUnavailableError):
        intake.accept(some_jobs(1)).result()
    intake.close()
    assert queue.messages == []


def test_jobs_that_redis_refuses_are_accepted_all_the_same_and_submitted_later(store: Any, queue: Queue) -> None:
    queue.refusals = 1
    jobs = some_jobs(1)
    Intake(store, queue).accept(jobs).result()
    assert queue.took.acquire(timeout=DEADLINE_S)
    assert queue.messages == [jobs]


def test_closing_does_not_wait_for_redis(store: Any, queue: Queue) -> None:
    queue.refusals = 1_000_000
    jobs = some_jobs(1)
    intake = Intake(store, queue)
    intake.accept(jobs).result()
    intake.close()
    assert store.added == jobs


def test_more_jobs_than_a_message_may_carry_become_several_messages(store: Any, queue: Queue) -> None:
    jobs = some_jobs(2 * MAX_JOBS + 1)
    intake = Intake(store, queue)
    intake.accept(jobs)
    intake.close()  # which finishes what waits, for the store and for the queue
    assert [job for message in queue.messages for job in message] == jobs
    assert max(map(len, queue.messages)) == MAX_JOBS


def test_jobs_that_make_no_message_are_told_of_and_left_to_the_sweeper(
    store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def submit(_: Sequence[Job]) -> None:
        raise ContractError("no message")

    jobs = some_jobs(1)
    intake = Intake(store, submit)
    intake.accept(jobs).result()
    intake.close()
    assert store.added == jobs
    assert "1 accepted jobs are left to the sweeper" in caplog.text
    assert "no message" in caplog.text
