"""An empty store of each kind, for the tests of what all of them promise, and Redis."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from shared.settings import Settings
from shared.store import Store, open_store
from tests.services.cassandra import TIMEOUT_S
from tests.services.store import opened
from worker.attempts import Attempts


@pytest.fixture(params=["sqlite", pytest.param("cassandra", marks=pytest.mark.integration)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return Settings(store_url=f"sqlite:///{tmp_path}/new folder/quill.db")
    return Settings(store_url=request.getfixturevalue("cassandra_url"), cassandra_timeout_s=TIMEOUT_S)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = opened(settings)
    yield store
    store.close()


@pytest.fixture
def another_store(settings: Settings) -> Iterator[Callable[[], Store]]:
    """Give what opens the same store once more, as another process has it; it need not be there."""
    with ExitStack() as stack:

        def another() -> Store:
            store = open_store(settings)
            stack.callback(store.close)
            return store

        yield another


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def attempts(redis: Redis) -> Attempts:
    return Attempts(redis)
