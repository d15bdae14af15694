"""The worker's way from answers to the acknowledgement, on a real Redis: durable first, told and forgotten then."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
from celery import Celery
from pydantic import SecretStr
from redis import Redis

from shared.batcher import Batcher
from shared.contract import Job, Prediction, State, new_id, to_message
from shared.queue import ATTEMPTS_KEY, DONE_CHANNEL, redis_client
from shared.settings import Settings
from shared.store import StoreUnavailableError
from tests.services.store import a_job
from worker.answering import Answering, Arrival
from worker.attempts import Attempts
from worker.counts import REGISTRY
from worker.keeping import Keeping
from worker.tally import Tally
from worker.task import handler
from worker.unanswered import Unanswered

pytestmark = pytest.mark.integration

DEADLINE_S = 10


class FakeStore:
    """Keeps answers, after having been away for the first calls."""

    def __init__(self, away: int = 0, repeated: int = 0) -> None:
        self.away = away
        self.repeated = repeated
        self.kept: list[Prediction] = []

    def finish(self, predictions: Sequence[Prediction]) -> int:
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        self.kept += predictions
        return self.repeated


def done(job: Job) -> Prediction:
    return Prediction(job.id, job.pictures, job.accepted_ms, State.DONE, 2, "7", batch_size=1)


def test_answers_that_waited_for_the_store_are_told_and_their_counts_taken_back(
    redis: Redis, attempts: Attempts
) -> None:
    store: Any = FakeStore(away=2)
    job = a_job()
    attempts.begin([job.id])
    with redis.pubsub(ignore_subscribe_messages=True) as hints:
        hints.subscribe(DONE_CHANNEL)
        hints.get_message(timeout=DEADLINE_S)
        Keeping(store, redis, attempts).keep([done(job)])
        assert store.kept == [done(job)]
        heard = cast("dict[str, str]", hints.get_message(timeout=DEADLINE_S))
    assert json.loads(heard["data"]) == [job.id]
    assert redis.keys(f"{ATTEMPTS_KEY}*") == []


def test_nobody_hears_of_answers_before_they_are_durable(redis: Redis, attempts: Attempts) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as hints:
        hints.subscribe(DONE_CHANNEL)
        hints.get_message(timeout=DEADLINE_S)
        heard: list[Any] = []

        def finish(_: Sequence[Prediction]) -> int:
            heard.append(hints.get_message(timeout=0.3))
            return 0

        store: Any = SimpleNamespace(finish=finish)
        Keeping(store, redis, attempts).keep([done(a_job())])
        assert heard == [None]
        assert hints.get_message(timeout=DEADLINE_S)


def test_answers_that_changed_nothing_are_counted(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(repeated=2)
    before = REGISTRY.get_sample_value("quill_duplicates_total") or 0
    Keeping(store, redis, attempts).keep([done(a_job()) for _ in range(3)])
    assert REGISTRY.get_sample_value("quill_duplicates_total") == before + 2


def test_a_store_that_is_back_is_found_soon_however_long_it_was_away(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(away=10)
    keeping = Keeping(store, redis, attempts, longest_pause_s=0.1)
    given_up = threading.Timer(DEADLINE_S, keeping.stop)
    given_up.start()
    keeping.keep([done(a_job())])
    given_up.cancel()


def test_a_process_that_ends_does_not_wait_for_a_store_that_is_away(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(away=1_000_000)
    keeping = Keeping(store, redis, attempts)
    threading.Timer(0.2, keeping.stop).start()
    with pytest.raises(StoreUnavailableError):
        keeping.keep([done(a_job())])
    assert 1_000_000 - store.away < 10  # and till then it does not ask without a pause


def test_answers_are_kept_even_if_nobody_can_be_told() -> None:
    store: Any = FakeStore()
    nobody = redis_client(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0")))
    Keeping(store, nobody, Attempts(nobody)).keep([done(a_job())])
    assert len(store.kept) == 1


def test_a_job_that_was_given_up_kills_nobody_when_its_message_comes_once_more(
    redis: Redis, attempts: Attempts
) -> None:
    killer = a_job()
    for _ in range(3):
        attempts.begin([killer.id])
    store: Any = FakeStore()
    model: Any = SimpleNamespace(classify=lambda _: pytest.fail("called"), version="m", threshold=0.5)  # pyright: ignore[reportUnknownLambdaType] - of a stand-in
    stage = Answering(model, attempts, keep=len, worker="w", max_attempts=3)
    for _ in range(2):
        Keeping(store, redis, attempts).keep(stage.answer([Arrival(killer, 0.0, 5)]))
    assert [prediction.state for prediction in store.kept] == [State.FAILED, State.FAILED]


def test_who_kept_an_answer_and_died_before_it_told_is_spoken_for(redis: Redis, attempts: Attempts) -> None:
    answered, waiting = done(a_job()), Prediction(new_id(), (), 1)
    store: Any = SimpleNamespace(get=lambda _: {one.id: one for one in (answered, waiting)})  # pyright: ignore[reportUnknownLambdaType] - of a stand-in
    with redis.pubsub(ignore_subscribe_messages=True) as hints:
        hints.subscribe(DONE_CHANNEL)
        hints.get_message(timeout=DEADLINE_S)
        assert Keeping(store, redis, attempts).kept([answered.id, waiting.id]) == {answered.id}
        heard = cast("dict[str, str]", hints.get_message(timeout=DEADLINE_S))
    assert json.loads(heard["data"]) == [answered.id]


def test_while_the_store_is_away_nothing_passes_as_answered(redis: Redis, attempts: Attempts) -> None:
    def away(_: object) -> None:
        raise StoreUnavailableError

    store: Any = SimpleNamespace(get=away)
    assert Keeping(store, redis, attempts).kept([new_id()]) == set()


@pytest.mark.parametrize(("redelivered", "waited_s"), [(True, 0), (False, 31)])
def test_what_was_answered_while_it_waited_is_not_classified_again(redelivered: bool, waited_s: float) -> None:
    """Redis has handed it to another, or may have; a backlog would else be classified several times."""
    jobs = [a_job(), a_job()]
    asked: list[str] = []

    def classified(arrivals: Sequence[Arrival]) -> list[Prediction]:
        asked.extend(one.job.id for one in arrivals)
        return [done(one.job) for one in arrivals]

    stage = Unanswered(classified, lambda _: {jobs[0].id}, visibility_s=30)
    told = stage.answer([Arrival(job, time.monotonic() - waited_s, 0, redelivered) for job in jobs])
    assert told == [None, done(jobs[1])]
    assert asked == [jobs[1].id]


def test_the_store_is_not_asked_for_what_comes_first_and_in_time() -> None:
    job = a_job()
    stage = Unanswered(lambda arrivals: [done(one.job) for one in arrivals], set, visibility_s=30)
    assert stage.answer([Arrival(job, time.monotonic() - 1, 0, redelivered=False)]) == [done(job)]


def test_a_task_returns_and_so_acknowledges_after_its_answers_are_durable() -> None:
    durable = threading.Event()

    def keep(predictions: list[Prediction]) -> list[None]:
        assert durable.wait(DEADLINE_S)
        return [None] * len(predictions)

    answering = Batcher[Arrival, Prediction | None](
        lambda arrivals: [done(one.job) for one in arrivals], limit=1, name="model"
    )
    keeping = Batcher[Prediction, None](keep, limit=1, name="store")
    task: Any = Celery(set_as_current=False).task(handler(answering, keeping, Tally("m")))
    with ThreadPoolExecutor() as pool:
        applied = pool.submit(task.apply, [to_message([a_job()])])
        with pytest.raises(TimeoutError):
            applied.result(0.3)
        durable.set()
        assert applied.result(DEADLINE_S).successful()
