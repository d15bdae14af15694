"""The worker's stages on a real Redis: the guilty job is found, answers become durable before anybody hears of them."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from celery import Celery
from numpy.typing import NDArray
from pydantic import SecretStr
from redis import Redis

from shared.batcher import Batcher
from shared.contract import PICTURE_BYTES, SIDE, Job, Prediction, State, new_id, to_message
from shared.queue import ATTEMPTS_KEY, DONE_CHANNEL, connect
from shared.settings import Settings
from shared.store import StoreUnavailableError
from worker.answering import Answering, Arrival, Classify
from worker.attempts import DAY_S, Attempts
from worker.counts import REGISTRY
from worker.keeping import Keeping
from worker.tally import Tally
from worker.task import handler
from worker.unanswered import Unanswered

pytestmark = pytest.mark.integration

BAD = 255  # ink that breaks the fake model
DEADLINE_S = 10


def classify(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Answer each picture with its first byte; break when that is BAD."""
    if (pictures[:, 0, 0] == BAD).any():
        raise ValueError("bad picture")
    return np.eye(10, dtype=np.float32)[pictures[:, 0, 0]]


@dataclass(frozen=True)
class FakeModel:
    classify: Classify = classify
    version: str = "fake-1"
    threshold: float = 0.5


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def attempts(redis: Redis) -> Attempts:
    return Attempts(redis)


@pytest.fixture
def kept() -> list[Prediction]:
    return []


@pytest.fixture
def answer(attempts: Attempts, kept: list[Prediction]) -> Callable[..., list[Prediction]]:
    def answered(jobs: Sequence[Job], model: FakeModel | None = None) -> list[Prediction]:
        stage = Answering(model or FakeModel(), attempts, keep=kept.extend, worker="w", max_attempts=3)
        return stage.answer([Arrival(job, 0.0, 5) for job in jobs])

    return answered


def a_job(*digits: int) -> Job:
    return Job(new_id(), tuple(bytes([digit]) * PICTURE_BYTES for digit in digits), 1)


def test_each_job_gets_its_own_digits_in_order(answer: Any) -> None:
    jobs = [a_job(7), a_job(4, 0, 7), a_job(1)]
    predictions = answer(jobs)
    assert [prediction.id for prediction in predictions] == [job.id for job in jobs]
    assert [prediction.digits for prediction in predictions] == ["7", "407", "1"]
    assert {prediction.batch_size for prediction in predictions} == {5}


def test_only_the_guilty_job_of_a_batch_fails(answer: Any) -> None:
    jobs = [a_job(digit) for digit in (1, 2, BAD, 3, 4)]
    states = [prediction.state for prediction in answer(jobs)]
    assert states == [State.DONE, State.DONE, State.FAILED, State.DONE, State.DONE]


def test_a_failed_prediction_tells_why(answer: Any) -> None:
    (prediction,) = answer([a_job(BAD)])
    assert "bad picture" in prediction.error
    assert prediction.digits == ""


@pytest.mark.parametrize("nonsense", [np.full((1, 10), np.nan, np.float32), np.zeros((1, 9), np.float32)])
def test_a_model_that_answers_nonsense_is_no_answer(answer: Any, nonsense: NDArray[np.float32]) -> None:
    (prediction,) = answer([a_job(1)], FakeModel(lambda _: nonsense))
    assert prediction.state is State.FAILED


def test_a_model_that_runs_out_of_memory_is_nobodys_fault(answer: Any) -> None:
    def exhausted(_: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise MemoryError

    with pytest.raises(MemoryError):
        answer([a_job(1)], FakeModel(exhausted))


def test_below_the_threshold_a_prediction_is_unsure(answer: Any) -> None:
    (prediction,) = answer([a_job(1)], FakeModel(lambda _: np.full((1, 10), 0.1, np.float32)))
    assert prediction.unsure


def rows(*best: float) -> FakeModel:
    """Return a model that is so sure of each picture in turn."""
    return FakeModel(lambda _: np.array([[0.0] * 9 + [one] for one in best], np.float32))


@pytest.mark.parametrize(("best", "unsure"), [((0.5, 0.5), False), ((1.0, 0.25), True), ((0.25, 1.0), True)])
def test_a_number_is_unsure_when_any_of_its_pictures_is_below_the_threshold(
    answer: Any, best: tuple[float, ...], unsure: bool
) -> None:
    (prediction,) = answer([a_job(9, 9)], rows(*best))
    assert prediction.unsure is unsure
    assert prediction.confidence == best[0] * best[1]


def test_a_job_whose_call_never_ended_is_tried_alone_so_that_no_neighbour_is_blamed(
    answer: Any, attempts: Attempts
) -> None:
    suspect, neighbours = a_job(1), [a_job(2), a_job(3)]
    attempts.begin([suspect.id])  # and then its process died
    batches: list[int] = []

    def note(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        batches.append(len(pictures))
        return classify(pictures)

    predictions = answer([neighbours[0], suspect, neighbours[1]], FakeModel(note))
    assert batches == [2, 1]
    assert [prediction.attempts for prediction in predictions] == [1, 2, 1]
    assert [prediction.digits for prediction in predictions] == ["2", "1", "3"]


def test_before_a_suspect_is_tried_what_is_answered_is_kept(
    answer: Any, attempts: Attempts, kept: list[Prediction]
) -> None:
    """Else a job that ends its process would take its neighbours' answers along until it is given up."""
    innocent, killer, fresh = a_job(1), a_job(2), a_job(3)
    attempts.begin([innocent.id, killer.id])  # both were in the call that ended the process
    kept_before: list[list[str]] = []

    def note(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        kept_before.append([prediction.id for prediction in kept])
        return classify(pictures)

    answer([innocent, killer, fresh], FakeModel(note))
    assert kept_before == [[], [fresh.id], [fresh.id, innocent.id]]


def test_a_suspect_waits_for_none_that_was_tried_more_often(answer: Any, attempts: Attempts) -> None:
    """A killer stands first in its message; its neighbours are not to wait until it is given up."""
    killer, *_ = jobs = [a_job(digit) for digit in (3, 1, 2)]
    attempts.begin([job.id for job in jobs])  # the call that ended the process, then one for the killer alone
    attempts.begin([killer.id])
    tried: list[int] = []

    def note(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        tried.append(int(pictures[0, 0, 0]))
        return classify(pictures)

    predictions = answer(jobs, FakeModel(note))
    assert tried == [1, 2, 3]
    assert [prediction.id for prediction in predictions] == [job.id for job in jobs]


def test_a_job_that_keeps_killing_its_process_is_given_up_without_another_call(
    answer: Any, attempts: Attempts, redis: Redis
) -> None:
    killer = a_job(1)
    for _ in range(3):
        attempts.begin([killer.id])
    (prediction,) = answer([killer], FakeModel(lambda _: pytest.fail("called")))
    assert prediction.state is State.FAILED
    assert "ended 3 times" in prediction.error


def test_a_job_is_not_given_up_before_its_last_attempt(answer: Any, attempts: Attempts) -> None:
    job = a_job(1)
    for _ in range(2):
        attempts.begin([job.id])
    assert [(one.state, one.attempts) for one in answer([job])] == [(State.DONE, 3)]


def test_a_job_that_was_given_up_kills_nobody_when_its_message_comes_once_more(
    answer: Any, attempts: Attempts, redis: Redis
) -> None:
    killer = a_job(1)
    for _ in range(3):
        attempts.begin([killer.id])
    store: Any = FakeStore()
    for _ in range(2):
        Keeping(store, redis, attempts).keep(answer([killer], FakeModel(lambda _: pytest.fail("called"))))
    assert [prediction.state for prediction in store.kept] == [State.FAILED, State.FAILED]


def test_counts_that_nobody_takes_back_are_not_kept_by_those_of_the_next_day(redis: Redis) -> None:
    Attempts(redis, clock=lambda: 0).begin(["given up"])
    (key,) = cast("list[str]", redis.keys(f"{ATTEMPTS_KEY}*"))
    left_s = 1000
    redis.expire(key, left_s)
    Attempts(redis, clock=lambda: 1000 * DAY_S).begin(["the next day's"])
    assert redis.ttl(key) <= left_s


def test_counts_that_nobody_takes_back_expire(attempts: Attempts, redis: Redis) -> None:
    attempts.begin(["given up"])
    (key,) = cast("list[str]", redis.keys(f"{ATTEMPTS_KEY}*"))
    assert 0 < redis.ttl(key) <= DAY_S


def test_a_job_whose_calls_end_is_never_given_up_however_long_its_answer_waits_for_the_store(answer: Any) -> None:
    """Redis hands its message out again after each visibility timeout, and no count is taken back meanwhile."""
    job = a_job(1)
    assert [answer([job])[0].state for _ in range(5)] == [State.DONE] * 5


def test_the_same_job_twice_in_a_batch_is_no_suspect(answer: Any) -> None:
    job = a_job(1)
    assert [prediction.attempts for prediction in answer([job, job])] == [1, 1]


@pytest.mark.parametrize(("redelivered", "received_s"), [(True, np.inf), (False, -np.inf)])
def test_what_was_answered_while_it_waited_is_not_classified_again(redelivered: bool, received_s: float) -> None:
    """Redis has handed it to another, or may have; a backlog would else be classified several times."""
    jobs = [a_job(1), a_job(2)]
    asked: list[str] = []

    def classified(arrivals: Sequence[Arrival]) -> list[Prediction]:
        asked.extend(one.job.id for one in arrivals)
        return [done(one.job) for one in arrivals]

    stage = Unanswered(classified, lambda _: {jobs[0].id}, visibility_s=30)
    told = stage.answer([Arrival(job, received_s, 0, redelivered) for job in jobs])
    assert told == [None, done(jobs[1])]
    assert asked == [jobs[1].id]


def test_the_store_is_not_asked_for_what_comes_first_and_in_time() -> None:
    job = a_job(1)
    stage = Unanswered(lambda arrivals: [done(one.job) for one in arrivals], set, visibility_s=30)
    assert stage.answer([Arrival(job, np.inf, 0, redelivered=False)]) == [done(job)]


def test_who_kept_an_answer_and_died_before_it_told_is_spoken_for(redis: Redis, attempts: Attempts) -> None:
    answered, waiting = done(a_job(7)), Prediction(new_id(), (), 1)
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


def test_without_redis_jobs_are_answered_uncounted() -> None:
    nobody = Attempts(connect(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"))))
    stage = Answering(FakeModel(), nobody, keep=len, worker="w", max_attempts=3)
    assert stage.answer([Arrival(a_job(7), 0.0, 0)])[0].digits == "7"


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


def test_answers_are_durable_before_anybody_hears_of_them(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(away=2)
    job = a_job(7)
    attempts.begin([job.id])
    with redis.pubsub(ignore_subscribe_messages=True) as hints:
        hints.subscribe(DONE_CHANNEL)
        hints.get_message(timeout=DEADLINE_S)
        Keeping(store, redis, attempts).keep([done(job)])
        assert store.kept == [done(job)]
        heard = cast("dict[str, str]", hints.get_message(timeout=DEADLINE_S))
    assert json.loads(heard["data"]) == [job.id]
    assert redis.keys(f"{ATTEMPTS_KEY}*") == []


def test_the_hint_is_told_after_the_store_has_finished(redis: Redis, attempts: Attempts) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as hints:
        hints.subscribe(DONE_CHANNEL)
        hints.get_message(timeout=DEADLINE_S)
        heard: list[Any] = []

        def finish(_: Sequence[Prediction]) -> int:
            heard.append(hints.get_message(timeout=0.3))
            return 0

        store: Any = SimpleNamespace(finish=finish)
        Keeping(store, redis, attempts).keep([done(a_job(7))])
        assert heard == [None]
        assert hints.get_message(timeout=DEADLINE_S)


def test_a_task_returns_and_so_acknowledges_after_its_answers_are_durable() -> None:
    durable, returned = threading.Event(), threading.Event()

    def keep(predictions: list[Prediction]) -> list[None]:
        assert durable.wait(DEADLINE_S)
        return [None] * len(predictions)

    answering = Batcher[Arrival, Prediction | None](
        lambda arrivals: [done(one.job) for one in arrivals], limit=1, name="model"
    )
    keeping = Batcher[Prediction, None](keep, limit=1, name="store")
    task = celery_task(handler(answering, keeping, Tally("m")), returned)
    threading.Thread(target=task.apply, args=[[to_message([a_job(7)])]], daemon=True).start()
    assert not returned.wait(0.3)
    durable.set()
    assert returned.wait(DEADLINE_S)


def celery_task(handle: Callable[[object], None], returned: threading.Event) -> Any:
    """Return what Celery makes of the handler, which tells when it has returned."""

    def run(message: object) -> None:
        handle(message)
        returned.set()

    return Celery(set_as_current=False).task(run)


def test_answers_that_changed_nothing_are_counted(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(repeated=2)
    before = REGISTRY.get_sample_value("quill_duplicates_total") or 0
    Keeping(store, redis, attempts).keep([done(a_job(digit)) for digit in range(3)])
    assert REGISTRY.get_sample_value("quill_duplicates_total") == before + 2


def test_a_process_that_ends_does_not_wait_for_a_store_that_is_away(redis: Redis, attempts: Attempts) -> None:
    store: Any = FakeStore(away=1_000_000)
    keeping = Keeping(store, redis, attempts)
    threading.Timer(0.2, keeping.stop).start()
    with pytest.raises(StoreUnavailableError):
        keeping.keep([done(a_job(7))])


def test_answers_are_kept_even_if_nobody_can_be_told() -> None:
    store: Any = FakeStore()
    nobody = connect(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0")))
    Keeping(store, nobody, Attempts(nobody)).keep([done(a_job(7))])
    assert len(store.kept) == 1


def test_the_pictures_reach_the_model_as_they_were_sent(answer: Any) -> None:
    ink = bytes(range(256)) * 3 + bytes(16)
    seen: list[NDArray[np.uint8]] = []

    def look(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(pictures)
        return np.zeros((1, 10), np.float32)

    answer([Job(new_id(), (ink,), 1)], FakeModel(look))
    assert seen[0].shape == (1, SIDE, SIDE)
    assert seen[0].tobytes() == ink
