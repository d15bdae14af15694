"""An empty store of each kind, for the tests of what all of them promise, and Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from shared.settings import Settings
from shared.store import Store
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
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def attempts(redis: Redis) -> Attempts:
    return Attempts(redis)
