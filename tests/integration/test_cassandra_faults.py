"""Cassandra in trouble: told within seconds, nothing acknowledged lost, and all goes on when it is back."""

import threading
import time
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import psutil
import pytest

from shared.contract import PICTURE_BYTES, Job, Prediction, State, new_id, now_ms
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from shared.store.cassandra_cluster import RETRY_S
from shared.store.cassandra_connection import FIRST_CONNECTION_S
from shared.store.cassandra_minutes import MINUTE_MS
from tests.services.cassandra import CassandraServer, connected
from tests.services.process import free_port, wait_until
from tests.services.store import opened, works

pytestmark = pytest.mark.integration

HOUR_MS = 60 * 60 * 1000
SHORT_TIMEOUT_S = 4  # yet longer than the default, as a virtual machine may stand still
OpenStore = Callable[[], Store]


def patient(url: str) -> Settings:
    return Settings(store_url=url, cassandra_timeout_s=SHORT_TIMEOUT_S)


@pytest.fixture
def url(cassandra_server: CassandraServer, cassandra_url: str) -> str:
    """Give a keyspace on the session's own Cassandra, which may be stopped."""
    return f"cassandra://{cassandra_server.address}/quill_test"


@pytest.fixture
def another_store(url: str) -> Generator[OpenStore]:
    with ExitStack() as stack:

        def another() -> Store:
            store = open_store(patient(url))
            stack.callback(store.close)
            return store

        yield another


@pytest.fixture
def store(another_store: OpenStore) -> Store:
    store = another_store()
    wait_until(lambda: works(store), "the store works", seconds=120)
    return store


@pytest.fixture
def session(url: str) -> Generator[Any]:
    """Give a session of the driver's, to look and to meddle."""
    with connected(url.split("/")[2]) as session:
        yield session


def a_job(age_ms: int = 0) -> Job:
    return Job(new_id(), (bytes(PICTURE_BYTES),), now_ms() - age_ms)


def answered(job: Job) -> Prediction:
    return Prediction(job.id, job.pictures, job.accepted_ms, State.DONE, now_ms(), "7")


def connections(address: str) -> int:
    """Return how many this process has to a node."""
    ends = [connection.raddr for connection in psutil.Process().net_connections("tcp")]
    return sum(end != () and f"{end.ip}:{end.port}" == address for end in ends)


def test_a_cassandra_that_is_not_there_is_told_with_its_address_until_nobody_asks_any_more() -> None:
    address = f"127.0.0.1:{free_port()}"
    store = open_store(Settings(store_url=f"cassandra://{address}/quill"))
    for call in (lambda: store.add([a_job()]), store.backlog, store.ping):
        with pytest.raises(StoreUnavailableError, match=rf"Cassandra at {address}: .*refused"):
            call()
    assert "cassandra" in threads()
    store.close()
    wait_until(lambda: "cassandra" not in threads(), "nobody tries to connect any more")


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_name_that_nobody_knows_is_told_with_its_setting() -> None:
    store = open_store(Settings(store_url="cassandra://nosuch.invalid/quill"))
    with pytest.raises(
        StoreUnavailableError,
        match=r"Cassandra at nosuch.invalid: cannot be resolved to an address \(see QUILL_STORE_URL\)",
    ):
        store.ping()
    store.close()


def test_a_wrong_data_centre_is_told_with_its_setting_and_no_attempt_leaves_a_connection(
    store: Store, url: str, cassandra_server: CassandraServer
) -> None:
    before = connections(cassandra_server.address)
    lost = open_store(Settings(store_url=url, cassandra_datacenter="the moon"))
    with pytest.raises(
        StoreUnavailableError, match=r"no node of data centre the moon \(see QUILL_CASSANDRA_DATACENTER\)"
    ):
        lost.ping()
    lost.close()
    wait_until(lambda: connections(cassandra_server.address) <= before, "the connections of all attempts are gone")


def test_what_was_acknowledged_outlives_a_kill(
    store: Store, another_store: OpenStore, cassandra_server: CassandraServer, caplog: pytest.LogCaptureFixture
) -> None:
    one_store = connections(cassandra_server.address)
    job, other = a_job(), a_job()
    store.add([job, other])
    store.finish([answer := answered(job)])
    cassandra_server.process.kill()
    late, began = another_store(), time.monotonic()
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(cut_off.add, [a_job()]) for cut_off in (store, store, store, store, late)]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match=cassandra_server.address):
            call.result()
    cassandra_server.start()
    for back in (store, late):
        wait_until(lambda back=back: works(back), "the store is found again", seconds=120)
        assert back.get([job.id, other.id])[job.id] == answer
        assert back.unfinished(now_ms() + 1, 10) == [other]
    wait_until(lambda: connections(cassandra_server.address) <= 2 * one_store, "no lost connection came back, too")
    attempts = caplog.text.count("Control connection failed to connect")
    assert 0 < attempts <= 2 * (1 + (time.monotonic() - began) / RETRY_S)


def test_a_cassandra_that_hangs_costs_seconds(
    store: Store, another_store: OpenStore, cassandra_server: CassandraServer
) -> None:
    job = a_job()
    store.add([job])
    late = another_store()
    calls: list[Callable[[], object]] = [
        lambda: store.finish([answered(job)]),
        lambda: store.add([a_job() for _ in range(64)]),
        lambda: store.get([job.id]),
        store.backlog,
        late.ping,
    ]
    reasons: list[str] = []
    cassandra_server.pause()
    try:
        for call in calls:
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError, match=cassandra_server.address) as told:
                call()
            reasons.append(str(told.value))
            assert time.monotonic() - began < 2 * max(SHORT_TIMEOUT_S, FIRST_CONNECTION_S)
    finally:
        cassandra_server.resume()
    assert reasons[0].endswith(f"no answer within {SHORT_TIMEOUT_S} s (see QUILL_CASSANDRA_TIMEOUT_S)")
    wait_until(lambda: works(store), "the store goes on", seconds=120)
    store.finish([answered(job)])
    assert store.unfinished(now_ms() + 1, 100) == []


def test_the_seeds_table_is_taken_over_with_its_rows(url: str, session: Any) -> None:
    session.execute("DROP KEYSPACE IF EXISTS mnist_database", timeout=60)
    session.execute(
        "CREATE KEYSPACE mnist_database WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        timeout=60,
    )
    session.set_keyspace("mnist_database")
    session.execute("CREATE TABLE mnist1 (id uuid PRIMARY KEY, digits text, upload_time timestamp)", timeout=60)
    seeds, job = uuid.uuid4(), a_job()
    session.execute("INSERT INTO mnist1 (id, digits, upload_time) VALUES (%s, '4', 1543000000000)", [seeds])
    store = opened(patient(url.replace("quill_test", "mnist_database")))
    store.add([job])
    store.finish([answered(job)])
    assert store.get([str(seeds)]) == {}
    rows = session.execute("SELECT id, digits, upload_time FROM mnist1")
    assert {(str(row.id), row.digits) for row in rows} == {(str(seeds), "4"), (job.id, "7")}
    store.close()


@pytest.mark.parametrize("age_ms", [0, HOUR_MS])
def test_a_job_is_found_by_those_who_had_seen_its_minute_finished(
    store: Store, another_store: OpenStore, age_ms: int
) -> None:
    job, late = a_job(age_ms), a_job(age_ms)
    store.add([job])
    store.finish([answered(job)])
    reader = another_store()
    assert reader.backlog() == 0
    store.add([late])
    for sweeper in (reader, another_store()):
        assert sweeper.unfinished(now_ms() + 1, 10) == [late]
        assert sweeper.backlog() == 1


def test_a_job_of_a_web_whose_clock_is_far_behind_is_found(
    store: Store, another_store: OpenStore, session: Any
) -> None:
    given_up = now_ms() // MINUTE_MS + 2
    session.execute("UPDATE quill_test.watermark SET minute = %s WHERE name = 'finished'", [given_up])
    assert store.backlog() == 0  # as web looks each second
    job = a_job()
    store.add([job])
    assert another_store().unfinished(now_ms() + 1, 10) == [job]
    assert store.backlog() == 1


def test_an_answer_that_was_not_noted_is_noted_by_the_next_look(store: Store, session: Any) -> None:
    job = a_job()
    store.add([job])
    store.finish([answered(job)])
    session.execute("TRUNCATE quill_test.finished", timeout=60)
    assert store.backlog() == 1
    assert store.unfinished(now_ms() + 1, 10) == []
    assert store.backlog() == 0


def test_an_add_that_broke_off_is_never_a_job_and_not_counted_for_long(store: Store, session: Any) -> None:
    jobs = a_job(), a_job(), a_job()
    store.add(jobs)
    for job in jobs[:2]:
        session.execute("DELETE FROM quill_test.mnist1 WHERE id = %s", [uuid.UUID(job.id)])
    long_ago, minute = now_ms() - 61_000, jobs[0].accepted_ms // 60_000
    session.execute(
        "UPDATE quill_test.accepted SET noted_ms = %s WHERE minute = %s AND accepted_ms = %s AND id = %s",
        [long_ago, minute, jobs[0].accepted_ms, uuid.UUID(jobs[0].id)],
    )
    assert store.backlog() == 3
    assert store.unfinished(now_ms() + 1, 10) == [jobs[2]]
    assert store.backlog() == 2  # the other may still be on its way


def test_a_job_added_twice_keeps_its_first_time(store: Store) -> None:
    first = a_job(HOUR_MS)
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
    job = a_job((days - 1) * 24 * HOUR_MS)
    store.add([job])
    store.label(job.id, "1")
    store.finish([answered(job)])
    told = session.execute(SECONDS_LEFT).one()
    assert all(23 * HOUR_MS < 1000 * left_s <= 24 * HOUR_MS for left_s in told)


def test_a_forgotten_row_keeps_nothing_but_its_id(store: Store, session: Any) -> None:
    job = a_job()
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


def test_a_mistake_of_the_program_stays_loud(store: Store) -> None:
    with pytest.raises((TypeError, AttributeError)):
        store.claim("key", cast("Any", 5), new_id())
    store.ping()


def test_a_keyspace_may_be_called_as_a_word_of_cql_is(url: str) -> None:
    store = opened(patient(url.replace("/quill_test", "/table")))
    store.close()


def test_an_unfinished_row_that_makes_no_job_holds_up_no_other(store: Store, session: Any) -> None:
    strange, job = a_job(), a_job()
    store.add([strange, job])
    pictures = bytes(PICTURE_BYTES + 1)
    session.execute("UPDATE quill_test.mnist1 SET pictures = %s WHERE id = %s", (pictures, uuid.UUID(strange.id)))
    assert store.unfinished(now_ms() + 1, 10) == [job]
