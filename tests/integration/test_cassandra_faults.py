"""Cassandra in trouble: told within seconds, nothing acknowledged lost, and all goes on when it is back."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import psutil
import pytest

from shared.contract import new_id, now_ms
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from shared.store.cassandra_cluster import RETRY_S
from shared.store.cassandra_connection import FIRST_CONNECTION_S
from tests.services.cassandra import CassandraServer
from tests.services.process import free_port, wait_until
from tests.services.store import a_job, answered, works

pytestmark = pytest.mark.integration

SHORT_TIMEOUT_S = 4  # yet longer than the default, as a virtual machine may stand still


@pytest.fixture
def settings(cassandra_server: CassandraServer, cassandra_url: str) -> Settings:
    """Give those of the session's own Cassandra, which may be stopped."""
    return Settings(store_url=f"cassandra://{cassandra_server.address}/quill_test", cassandra_timeout_s=SHORT_TIMEOUT_S)


def connections(address: str) -> int:
    """Return how many this process has to a node."""
    ends = [connection.raddr for connection in psutil.Process().net_connections("tcp")]
    return sum(end != () and f"{end.ip}:{end.port}" == address for end in ends)


def test_a_cassandra_that_is_not_there_is_told_with_its_address_until_nobody_asks_any_more() -> None:
    address = f"127.0.0.1:{free_port()}"
    store = open_store(Settings(store_url=f"cassandra://{address}/quill"))
    for call in (lambda: store.add([a_job(now_ms())]), store.backlog, store.ping):
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
    store: Store, settings: Settings, cassandra_server: CassandraServer
) -> None:
    before = connections(cassandra_server.address)
    lost = open_store(Settings(store_url=settings.store_url, cassandra_datacenter="the moon"))
    with pytest.raises(
        StoreUnavailableError, match=r"no node of data centre the moon \(see QUILL_CASSANDRA_DATACENTER\)"
    ):
        lost.ping()
    lost.close()
    wait_until(lambda: connections(cassandra_server.address) <= before, "the connections of all attempts are gone")


def test_what_was_acknowledged_outlives_a_kill(
    store: Store,
    another_store: Callable[[], Store],
    cassandra_server: CassandraServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one_store = connections(cassandra_server.address)
    job, other = a_job(now_ms()), a_job(now_ms())
    store.add([job, other])
    store.finish([answer := answered(job)])
    cassandra_server.process.kill()
    late, began = another_store(), time.monotonic()
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(cut_off.add, [a_job(now_ms())]) for cut_off in (store, store, store, store, late)]
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
    store: Store, another_store: Callable[[], Store], cassandra_server: CassandraServer
) -> None:
    job = a_job(now_ms())
    store.add([job])
    late = another_store()
    calls: list[Callable[[], object]] = [
        lambda: store.finish([answered(job)]),
        lambda: store.add([a_job(now_ms()) for _ in range(64)]),
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


def test_a_mistake_of_the_program_stays_loud(store: Store) -> None:
    with pytest.raises((TypeError, AttributeError)):
        store.claim("key", cast("Any", 5), new_id())
    store.ping()
