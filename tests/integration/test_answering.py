"""The worker's stage at the model, on a real Redis: each job gets its own answer, and the guilty one is found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr
from redis import Redis

from shared.contract import CLASSES, NAMES, PICTURE_BYTES, SIDE, Job, Prediction, State, new_id
from shared.queue import ATTEMPTS_KEY, redis_client
from shared.settings import Settings
from worker.answering import Answering, Arrival, Classify
from worker.attempts import DAY_S, Attempts

pytestmark = pytest.mark.integration

BAD = 255  # ink that breaks the fake model
KILLER = 254  # ink that ends its process, as far as a test can tell


def classify(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Answer each picture with the class of its first byte; break when that is BAD, and at a KILLER break for good."""
    if (pictures[:, 0, 0] == KILLER).any():
        raise KeyboardInterrupt
    if (pictures[:, 0, 0] == BAD).any():
        raise ValueError("bad picture")
    return np.eye(CLASSES, dtype=np.float32)[pictures[:, 0, 0] % CLASSES]


@dataclass(frozen=True)
class FakeModel:
    classify: Classify = classify
    version: str = "fake-1"
    threshold: float = 0.5


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


def read_as(*inks: int) -> str:
    """Return what the fake model reads in a job's pictures."""
    return "".join(NAMES[ink % CLASSES] for ink in inks)


def test_each_job_gets_its_own_digits_in_order(answer: Any) -> None:
    jobs = [a_job(7), a_job(4, 0, 7), a_job(1)]
    predictions = answer(jobs)
    assert [prediction.id for prediction in predictions] == [job.id for job in jobs]
    assert [prediction.digits for prediction in predictions] == [read_as(7), read_as(4, 0, 7), read_as(1)]
    assert {prediction.batch_size for prediction in predictions} == {5}


def test_only_the_guilty_job_of_a_batch_fails(answer: Any) -> None:
    jobs = [a_job(digit) for digit in (1, 2, BAD, 3, 4)]
    states = [prediction.state for prediction in answer(jobs)]
    assert states == [State.DONE, State.DONE, State.FAILED, State.DONE, State.DONE]


def test_a_failed_prediction_tells_why(answer: Any) -> None:
    (prediction,) = answer([a_job(BAD)])
    assert "bad picture" in prediction.error
    assert prediction.digits == ""


@pytest.mark.parametrize(
    "nonsense",
    [
        np.full((1, CLASSES), np.nan, np.float32),
        np.full((1, CLASSES), 2, np.float32),
        np.zeros((1, CLASSES - 1), np.float32),
    ],
)
def test_a_model_that_answers_nonsense_is_no_answer(answer: Any, nonsense: NDArray[np.float32]) -> None:
    (prediction,) = answer([a_job(1)], FakeModel(lambda pictures: nonsense if pictures.any() else classify(pictures)))
    assert prediction.state is State.FAILED


def test_a_model_that_reads_nothing_any_more_fails_no_drawing_and_ends_its_process(answer: Any) -> None:
    def broken(_: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise RuntimeError("the GPU is lost")

    with pytest.raises(RuntimeError, match="the GPU is lost"):
        answer([a_job(1), a_job(2)], FakeModel(broken))


def test_a_model_that_runs_out_of_memory_is_nobodys_fault(answer: Any) -> None:
    def exhausted(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        if pictures.any():
            raise MemoryError
        return classify(pictures)  # an empty picture takes less

    with pytest.raises(MemoryError):
        answer([a_job(1)], FakeModel(exhausted))


def test_a_call_is_timed_while_it_lasts_and_no_longer(attempts: Attempts) -> None:
    """Else the watch would take an idle worker's last call for a hang."""
    lasted: list[float] = []

    def look(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        lasted.append(stage.call_s())
        return classify(pictures)

    stage = Answering(FakeModel(look), attempts, keep=len, worker="w", max_attempts=3)
    stage.answer([Arrival(a_job(1), 0.0, 0)])
    assert lasted[0] > 0
    assert stage.call_s() == 0


def test_a_job_has_waited_until_its_call_began_and_no_longer(attempts: Attempts) -> None:
    called_s: list[float] = []

    def look(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        called_s.append(time.monotonic())
        return classify(pictures)

    received_s = time.monotonic()
    stage = Answering(FakeModel(look), attempts, keep=len, worker="w", max_attempts=3)
    (prediction,) = stage.answer([Arrival(a_job(1), received_s, 0)])
    assert 0 < prediction.stage_ms["waited"] <= 1000 * (called_s[0] - received_s) + 0.001  # it is rounded


def test_below_the_threshold_a_prediction_is_unsure(answer: Any) -> None:
    (prediction,) = answer([a_job(1)], FakeModel(lambda _: np.full((1, CLASSES), 0.1, np.float32)))
    assert prediction.unsure


def rows(*best: float) -> FakeModel:
    """Return a model that is so sure of each picture in turn."""
    return FakeModel(lambda _: np.array([[0.0] * (CLASSES - 1) + [one] for one in best], np.float32))


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
    assert [prediction.digits for prediction in predictions] == [read_as(2), read_as(1), read_as(3)]


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


def test_a_suspect_is_not_blamed_for_what_another_job_does_before_its_turn(answer: Any) -> None:
    innocent = a_job(1)
    for _ in range(3):  # as often as a job is tried
        with pytest.raises(KeyboardInterrupt):
            answer([innocent, a_job(KILLER)])
    assert answer([innocent])[0].state is State.DONE


def test_a_job_that_keeps_killing_its_process_is_given_up_without_another_call(answer: Any, attempts: Attempts) -> None:
    killer = a_job(1)
    for _ in range(3):
        attempts.begin([killer.id])
    (prediction,) = answer([killer], FakeModel(lambda _: pytest.fail("called")))
    assert prediction.state is State.FAILED
    assert "ended 3 times" in prediction.error
    assert prediction.batch_size == 0  # by which Keeping lets its count stay


def test_a_job_is_not_given_up_before_its_last_attempt(answer: Any, attempts: Attempts) -> None:
    job = a_job(1)
    for _ in range(2):
        attempts.begin([job.id])
    assert [(one.state, one.attempts) for one in answer([job])] == [(State.DONE, 3)]


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


def test_without_redis_jobs_are_answered_uncounted() -> None:
    nobody = Attempts(redis_client(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"))))
    stage = Answering(FakeModel(), nobody, keep=len, worker="w", max_attempts=3)
    assert stage.answer([Arrival(a_job(7), 0.0, 0)])[0].digits == read_as(7)


def test_the_pictures_reach_the_model_as_they_were_sent(answer: Any) -> None:
    ink = bytes(range(256)) * 3 + bytes(16)
    seen: list[NDArray[np.uint8]] = []

    def look(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(pictures)
        return np.zeros((1, CLASSES), np.float32)

    answer([Job(new_id(), (ink,), 1)], FakeModel(look))
    assert seen[0].shape == (1, SIDE, SIDE)
    assert seen[0].tobytes() == ink
