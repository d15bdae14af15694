"""The contract of shared.store.Store, the same for SQLite and Cassandra."""

import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest

from shared.contract import LATEST_MS, Job, Prediction, State, new_id
from shared.settings import Settings
from shared.store import Position, Store
from tests.services.process import wait_until
from tests.services.store import NOW, a_job, answered, opened, queued

DAY_MS = 24 * 60 * 60 * 1000
AHEAD_MS = 10 * 60 * 1000  # by which the clock of who accepts may be ahead


def test_an_added_job_is_a_queued_prediction(store: Store) -> None:
    jobs = [a_job(), a_job(pictures=8)]
    store.add(jobs)
    assert store.get([job.id for job in jobs]) == {job.id: queued(job) for job in jobs}


def test_adding_again_changes_nothing(store: Store) -> None:
    job = a_job()
    store.add([job])
    store.finish([answered(job)])
    store.add([job])
    assert store.get([job.id]) == {job.id: answered(job)}
    assert store.backlog() == 0


def test_nothing_to_do_is_done(store: Store) -> None:
    store.add([])
    assert store.finish([]) == 0
    assert store.get([]) == {}


def test_an_answer_comes_back_as_it_was_given(store: Store) -> None:
    job = a_job(pictures=2)
    full = answered(
        job,
        digits="70",
        probabilities=((0.1,) * 10, (1 / 3, 2e-45, *(0.0,) * 8)),
        confidence=0.987654321,
        unsure=True,
        model_version="2026-11-23 é",
        worker="a@b",
        batch_size=32,
        attempts=2,
        stage_ms={"web": 1.25, "queue": 0.5, "model": 3.0},
    )
    store.add([job])
    store.finish([full])
    back = store.get([job.id])[job.id]
    assert back == full
    assert list(back.stage_ms) == ["web", "queue", "model"]


def test_a_failure_is_an_answer_too(store: Store) -> None:
    job = a_job()
    failed = replace(queued(job), state=State.FAILED, finished_ms=NOW, error="given up after 5 attempts")
    store.add([job])
    store.finish([failed])
    store.finish([answered(job)])
    assert store.get([job.id]) == {job.id: failed}
    assert store.backlog() == 0


def test_the_first_answer_stays(store: Store) -> None:
    job = a_job()
    store.add([job])
    assert store.finish([answered(job, "7")]) == 0
    assert store.finish([answered(job, "1"), answered(job, "2")]) == 2
    assert store.get([job.id]) == {job.id: answered(job, "7")}


def test_only_answers_to_what_is_answered_are_told_as_repeated(store: Store) -> None:
    done, waiting, forgotten, unknown = (a_job() for _ in range(4))
    store.add([done, waiting, forgotten])
    store.finish([answered(done)])
    store.forget(forgotten.id)
    assert store.finish([answered(job) for job in (done, waiting, forgotten, unknown)]) == 1


def test_an_answer_to_an_unknown_job_is_passed_over(store: Store) -> None:
    job, other = a_job(), a_job()
    store.add([other])
    store.finish([answered(job), answered(other)])
    assert store.get([job.id, other.id]) == {other.id: answered(other)}
    store.add([job])
    assert store.unfinished(NOW + 1, 10) == [job]


@pytest.mark.parametrize("accepted_ms", [0, LATEST_MS - 1000], ids=["past", "future"])
def test_an_answer_to_a_job_of_the_farthest_times_is_kept_or_passed_over(store: Store, accepted_ms: int) -> None:
    """Anybody on Redis can name such a time; a store that refused the answer for ever would hold up its neighbours."""
    job, unknown, neighbour = a_job(accepted_ms), a_job(accepted_ms), a_job()
    store.add([job, neighbour])
    assert store.finish([answered(job), answered(unknown), answered(neighbour)]) == 0
    kept = store.get([job.id, unknown.id, neighbour.id])
    assert kept.get(job.id) in (answered(job), None)
    assert kept.keys() - {job.id} == {neighbour.id}


def test_a_prediction_without_an_answer_cannot_finish(store: Store) -> None:
    job = a_job()
    store.add([job])
    with pytest.raises(ValueError, match="not finished"):
        store.finish([queued(job)])
    assert store.get([job.id]) == {job.id: queued(job)}


def test_the_unfinished_come_oldest_first(store: Store) -> None:
    ages_ms = [0, 5 * DAY_MS, 61_000, 3000, DAY_MS, 59_000]
    jobs = [a_job(NOW - age_ms) for age_ms in ages_ms]
    store.add(jobs)
    store.finish([answered(jobs[2])])
    waiting = sorted((job for job in jobs if job != jobs[2]), key=lambda job: job.accepted_ms)
    assert store.unfinished(NOW + 1, 10) == waiting
    assert store.unfinished(NOW + 1, 2) == waiting[:2]
    assert store.unfinished(NOW + 1, 4) == waiting[:4]  # the last two may be of one minute
    assert store.unfinished(NOW, 10) == waiting[:-1]
    assert store.backlog() == 5


def test_a_finished_backlog_is_empty(store: Store) -> None:
    jobs = [a_job(NOW - 1000 * i) for i in range(64)]
    store.add(jobs)
    assert store.backlog() == 64
    store.finish([answered(job) for job in jobs])
    assert store.backlog() == 0
    assert store.unfinished(NOW + 1, 100) == []
    assert store.get([job.id for job in jobs]) == {job.id: answered(job) for job in jobs}


def test_a_group_may_be_large(store: Store) -> None:
    jobs = [a_job() for _ in range(1000)]
    store.add(jobs)
    store.finish([answered(job) for job in jobs[1:]])
    assert store.unfinished(NOW + 1, 1000) == jobs[:1]
    assert len(store.history(1000)) == len(store.get([job.id for job in jobs])) == 1000


@pytest.mark.parametrize("age_ms", [2 * 60_000, DAY_MS])
def test_a_job_added_late_is_found_among_those_long_finished(store: Store, age_ms: int) -> None:
    early, late = (a_job(time.time_ns() // 1_000_000 - age_ms) for _ in range(2))
    store.add([early])
    store.finish([answered(early)])
    assert store.unfinished(late.accepted_ms + 1, 10) == []
    store.add([late])
    assert store.unfinished(late.accepted_ms + 1, 10) == [late]
    assert store.backlog() == 1


def test_history_is_newest_first_in_stable_pages(store: Store) -> None:
    jobs = [a_job(NOW - age_ms) for age_ms in (-AHEAD_MS, 0, 0, 0, 70_000, 20 * DAY_MS, 27 * DAY_MS)]
    newest_first = sorted((queued(job) for job in jobs), key=lambda p: (p.accepted_ms, p.id), reverse=True)
    store.add(jobs)
    assert store.history(100) == newest_first
    page = store.history(2)
    store.add([a_job(NOW + 1)])
    pages = list(page)
    while page:
        page = store.history(2, Position(page[-1].accepted_ms, page[-1].id))
        pages += page
    assert pages == newest_first


def test_history_shows_answers_and_skips_the_forgotten(store: Store) -> None:
    done, forgotten, waiting = (a_job(NOW - i) for i in range(3))
    store.add([done, forgotten, waiting])
    store.finish([answered(done)])
    store.forget(forgotten.id)
    assert store.history(2) == [answered(done), queued(waiting)]


def test_the_last_label_stays_beside_the_answer(store: Store) -> None:
    job = a_job()
    store.add([job])
    assert store.label(job.id, "1")
    store.finish([answered(job)])
    for digits in ("07", ""):
        assert store.label(job.id, digits)
        assert store.get([job.id]) == {job.id: answered(job, label=digits)}
        assert list(store.corrections()) == [answered(job, label=digits)]


def test_only_what_is_there_takes_a_label(store: Store) -> None:
    job = a_job()
    assert not store.label(job.id, "1")
    store.add([job])
    store.forget(job.id)
    assert not store.label(job.id, "1")
    assert list(store.corrections()) == []


def test_all_corrections_come_out_once(store: Store) -> None:
    jobs = [*(a_job(NOW - i * 1000) for i in range(79)), a_job(NOW - 29 * DAY_MS)]
    store.add(jobs)
    for job in jobs[10:]:
        assert store.label(job.id, "3")
    store.label(jobs[20].id, "4")
    labels = sorted((p.id, p.label) for p in store.corrections())
    assert labels == sorted((job.id, "4" if job is jobs[20] else "3") for job in jobs[10:])


def test_what_is_forgotten_stays_forgotten(store: Store) -> None:
    job, unseen, finished = a_job(), a_job(), a_job()
    store.add([job, finished])
    store.finish([answered(finished)])
    for forgotten in (job, unseen, finished, finished):
        store.forget(forgotten.id)
    store.finish([answered(job), answered(unseen)])
    store.add([job, unseen, finished])
    store.finish([answered(finished, "1")])
    assert store.get([job.id, unseen.id, finished.id]) == {}
    assert store.unfinished(NOW + 1, 10) == []
    assert store.history(10) == []
    assert store.backlog() == 0


def test_a_key_stays_with_its_first_drawing(store: Store) -> None:
    first, second = new_id(), new_id()
    assert store.claim("key", "digest", first) == ("digest", first)
    assert store.claim("key", "other", second) == ("digest", first)
    assert store.claim("another key", "other", second) == ("other", second)


def test_what_is_past_the_retention_goes(store: Store, settings: Settings) -> None:
    brief = opened(settings.model_copy(update={"retention_days": 1}))
    job, old = a_job(), a_job(time.time_ns() // 1_000_000 - DAY_MS + 3000)
    brief.add([job, old])
    brief.finish([answered(old)])
    assert brief.get([old.id])
    wait_until(lambda: brief.purge() or not brief.get([old.id]), "what is old is gone")
    assert brief.get([old.id, job.id]) == {job.id: queued(job)}
    assert brief.history(10) == [queued(job)]
    wait_until(lambda: brief.backlog() == 1, "it is counted no longer")  # its notes expire by seconds of their own
    brief.close()


def test_a_store_reopened_knows_everything(settings: Settings) -> None:
    job, other = a_job(), a_job()
    store = opened(settings)
    store.add([job, other])
    store.finish([answered(job)])
    store.close()
    again = opened(settings)
    assert again.get([job.id, other.id]) == {job.id: answered(job), other.id: queued(other)}
    assert again.backlog() == 1
    again.close()


def test_racing_threads_leave_one_answer(store: Store) -> None:
    job = a_job()
    store.add([job])
    barrier = threading.Barrier(4)

    def race(digit: int) -> Prediction:
        barrier.wait(timeout=30)
        store.finish([answered(job, str(digit))])
        return store.get([job.id])[job.id]

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(race, range(4)))
    assert len({p.digits for p in [*seen, store.get([job.id])[job.id]]}) == 1


def start_and_finish(settings: Settings, jobs: list[Job], digits: str) -> list[str]:
    store = opened(settings)
    try:
        store.finish([answered(job, digits) for job in jobs])
        return [p.digits for p in sorted(store.get([job.id for job in jobs]).values(), key=lambda p: p.id)]
    finally:
        store.close()


def test_processes_that_start_together_share_the_store_and_agree(settings: Settings, store: Store) -> None:
    jobs = [a_job() for _ in range(64)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(start_and_finish, [settings] * 2, [jobs] * 2, "01", timeout=240)) == [[]] * 2
        store.add(jobs)
        seen = list(pool.map(start_and_finish, [settings] * 2, [jobs] * 2, "34", timeout=240))
    assert seen[0] == seen[1]
    assert store.backlog() == 0
