"""What all tests share: real parts, started once a session, and what keeps one test from the next."""

import itertools
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser

from tests.services import cassandra, versions
from tests.services.cassandra import CassandraServer
from tests.services.chromium import open_chromium
from tests.services.quill import Quill
from tests.services.redis import RedisServer
from tests.services.site import Site

for _name in [name for name in os.environ if name.startswith("QUILL_")]:
    del os.environ[_name]  # what a developer has set must not change what a test means

hypothesis.settings.register_profile("quill", deadline=None)  # a slow machine is no failure
hypothesis.settings.load_profile("quill")


def pytest_report_header() -> str:
    return versions.line()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    """Give the session's Redis; a test takes redis_url, a database of its own in it."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.process.stop()


@pytest.fixture(scope="session")
def redis_urls(redis_server: RedisServer) -> Iterator[str]:
    """Give the addresses of databases that nobody has used yet."""
    return map(redis_server.url, itertools.count())


@pytest.fixture
def redis_url(redis_urls: Iterator[str]) -> str:
    """Give the address of an empty Redis database of the test's own."""
    return next(redis_urls)


@pytest.fixture
def own_redis(tmp_path: Path) -> Generator[RedisServer]:
    """Give a Redis that the test may turn into something else, or stop."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    yield server
    server.process.send(signal.SIGCONT)
    server.process.stop()


@pytest.fixture(scope="session")
def cassandra_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[CassandraServer]:
    """Give the session's own Cassandra, for tests that stop it; others take cassandra_url."""
    server = CassandraServer(tmp_path_factory.mktemp("cassandra"))
    yield server
    server.process.kill()


@pytest.fixture
def cassandra_url(request: pytest.FixtureRequest) -> str:
    """Give the address of a keyspace that is empty, or not there yet."""
    address = cassandra.RUNNING or request.getfixturevalue("cassandra_server").address
    cassandra.empty(address, "quill_test")
    return f"cassandra://{address}/quill_test"


@pytest.fixture
def new_site(tmp_path: Path, redis_url: str) -> Generator[Callable[..., Site]]:
    """Give a maker of a web application in this process, settings as keywords."""
    with ExitStack() as stack:

        def make(**settings: object) -> Site:
            site = Site(tmp_path, redis_url, **settings)
            stack.callback(site.close)
            return site

        yield make


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    """Give a web application in this process, with the default settings."""
    return new_site()


@pytest.fixture
def new_quill(tmp_path: Path, redis_url: str) -> Generator[Callable[..., Quill]]:
    """Give a maker of a Quill of the test's own, settings as keywords: for what sets, breaks or kills."""
    with ExitStack() as stack:

        def make(**settings: object) -> Quill:
            quill = Quill(tmp_path, redis_url, **settings)
            stack.callback(quill.stop)
            return quill

        yield make


@pytest.fixture(scope="session")
def session_quill(tmp_path_factory: pytest.TempPathFactory, redis_urls: Iterator[str]) -> Generator[Quill]:
    """Give the Quill that runs for the whole session; a test takes quill."""
    quill = Quill(tmp_path_factory.mktemp("quill"), next(redis_urls))
    try:
        quill.start_worker()
        quill.start_web()
        quill.wait_until_ready()
        yield quill
    finally:
        quill.stop()


@pytest.fixture
def quill(session_quill: Quill) -> Generator[Quill]:
    """Give a running Quill, shared by tests that only use it."""
    yield session_quill
    session_quill.print_logs()


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    """Give a running browser; a test opens its own page in it."""
    with open_chromium() as browser:
        yield browser
