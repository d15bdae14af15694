"""An empty store of each kind, for the tests of what all of them promise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store import Store
from tests.services.cassandra import TIMEOUT_S
from tests.services.store import opened


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
