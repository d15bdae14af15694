"""What Cassandra keeps of a drawing, row by row: only its adapter knows."""

import uuid
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest

from shared.contract import PICTURE_BYTES, now_ms
from shared.settings import Settings
from shared.store import Store
from shared.store.cassandra_minutes import MINUTE_MS
from tests.services.cassandra import TIMEOUT_S, connected
from tests.services.store import a_job, answered, opened

pytestmark = pytest.mark.integration

HOUR_MS = 60 * 60 * 1000


@pytest.fixture
def settings(cassandra_url: str) -> Settings:
    return Settings(store_url=cassandra_url, cassandra_timeout_s=TIMEOUT_S)


@pytest.fixture
def session(cassandra_url: str) -> Generator[Any]:
    """Give a session of the driver's, to look and to meddle."""
    with connected(cassandra_url.split("/")[2]) as session:
        yield session


def in_keyspace(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"store_url": f"{settings.store_url.rpartition('/')[0]}/{name}"})


def test_the_seeds_table_is_taken_over_with_its_rows(settings: Settings, session: Any) -> None:
    session.execute("DROP KEYSPACE IF EXISTS mnist_database", timeout=60)
    session.execute(
        "CREATE KEYSPACE mnist_database WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        timeout=60,
    )
    session.set_keyspace("mnist_database")
    session.execute("CREATE TABLE mnist1 (id uuid PRIMARY KEY, digits text, upload_time timestamp)", timeout=60)
    seeds, job = uuid.uuid4(), a_job(now_ms())
    session.execute("INSERT INTO mnist1 (id, digits, upload_time) VALUES (%s, '4', 1543000000000)", [seeds])
    store = opened(in_keyspace(settings, "mnist_database"))
    store.add([job])
    store.finish([answered(job)])
    assert store.get([str(seeds)]) == {}
    rows = session.execute("SELECT id, digits, upload_time FROM mnist1")
    assert {(str(row.id), row.digits) for row in rows} == {(str(seeds), "4"), (job.id, "7")}
    store.close()


@pytest.mark.parametrize("age_ms", [0, HOUR_MS])
def test_a_job_is_found_by_those_who_had_seen_its_minute_finished(
    store: Store, another_store: Callable[[], Store], age_ms: int
) -> None:
    job, late = a_job(now_ms() - age_ms), a_job(now_ms() - age_ms)
    store.add([job])
    store.finish([answered(job)])
    reader = another_store()
    assert reader.backlog() == 0
    store.add([late])
    for sweeper in (reader, another_store()):
        assert sweeper.unfinished(now_ms() + 1, 10) == [late]
        assert sweeper.backlog() == 1


def test_a_job_of_a_web_whose_clock_is_far_behind_is_found(
    store: Store, another_store: Callable[[], Store], session: Any
) -> None:
    given_up = now_ms() // MINUTE_MS + 2
    session.execute("UPDATE quill_test.watermark SET minute = %s WHERE name = 'finished'", [given_up])
    assert store.backlog() == 0  # as web looks each second
    job = a_job(now_ms())
    store.add([job])
    assert another_store().unfinished(now_ms() + 1, 10) == [job]
    assert store.backlog() == 1


def test_an_answer_that_was_not_noted_is_noted_by_the_next_look(store: Store, session: Any) -> None:
    job = a_job(now_ms())
    store.add([job])
    store.finish([answered(job)])
    session.execute("TRUNCATE quill_test.finished", timeout=60)
    assert store.backlog() == 1
    assert store.unfinished(now_ms() + 1, 10) == []
    assert store.backlog() == 0


def test_an_add_that_broke_off_is_never_a_job_and_not_counted_for_long(store: Store, session: Any) -> None:
    jobs = a_job(now_ms()), a_job(now_ms()), a_job(now_ms())
    store.add(jobs)
    for job in jobs[:2]:
        session.execute("DELETE FROM quill_test.mnist1 WHERE id = %s", [uuid.UUID(job.id)])
    long_ago, minute = now_ms() - 61_000, jobs[0].accepted_ms // MINUTE_MS
    session.execute(
        "UPDATE quill_test.accepted SET noted_ms = %s WHERE minute = %s AND accepted_ms = %s AND id = %s",
        [long_ago, minute, jobs[0].accepted_ms, uuid.UUID(jobs[0].id)],
    )
    assert store.backlog() == 3
    assert store.unfinished(now_ms() + 1, 10) == [jobs[2]]
    assert store.backlog() == 2  # the other may still be on its way


def test_a_job_added_twice_keeps_its_first_time(store: Store) -> None:
    first = a_job(now_ms() - HOUR_MS)
    again = replace(first, accepted_ms=now_ms())
    store.add([again])
    store.add([first])
    assert store.unfinished(now_ms() + 1, 10) == [first]
    assert [p.accepted_ms for p in store.history(10)] == [first.accepted_ms]
    store.finish([answered(again)])
    assert store.unfinished(now_ms() + 1, 10) == []
    assert store.backlog() == 0


SECONDS_LEFT = """
SELECT TTL(upload_time), TTL(pictures), TTL(digits), TTL(finished_ms), TTL(answer), TTL(label_digits)
FROM quill_test.mnist1
"""


def test_all_that_is_kept_of_a_drawing_goes_with_the_end_of_its_retention(store: Store, session: Any) -> None:
    days = Settings().retention_days
    job = a_job(now_ms() - (days - 1) * 24 * HOUR_MS)
    store.add([job])
    store.label(job.id, "1")
    store.finish([answered(job)])
    told = session.execute(SECONDS_LEFT).one()
    assert all(23 * HOUR_MS < 1000 * left_s <= 24 * HOUR_MS for left_s in told)


def test_a_forgotten_row_keeps_nothing_but_its_id(store: Store, session: Any) -> None:
    job = a_job(now_ms())
    store.add([job])
    store.finish([answered(job)])
    store.label(job.id, "1")
    store.forget(job.id)
    store.add([job])
    row = session.execute("SELECT * FROM quill_test.mnist1").one()._asdict()
    assert {name: value for name, value in row.items() if value is not None} == {
        "id": uuid.UUID(job.id),
        "forgotten": True,
    }


def test_a_keyspace_may_be_called_as_a_word_of_cql_is(settings: Settings) -> None:
    store = opened(in_keyspace(settings, "table"))
    store.close()


def test_an_unfinished_row_that_makes_no_job_holds_up_no_other(store: Store, session: Any) -> None:
    strange, job = a_job(now_ms()), a_job(now_ms())
    store.add([strange, job])
    pictures = bytes(PICTURE_BYTES + 1)
    session.execute("UPDATE quill_test.mnist1 SET pictures = %s WHERE id = %s", (pictures, uuid.UUID(strange.id)))
    assert store.unfinished(now_ms() + 1, 10) == [job]
