"""SQLite in trouble: each cause is told within seconds, and nothing half-written is left."""

import resource
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import pytest

from shared.contract import new_id
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from tests.services.store import a_job

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "quill.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = open_store(Settings(store_url=f"sqlite:///{file}"))
    yield store
    store.close()


def test_a_file_that_another_process_locks_is_told_and_still_read(store: Store, file: Path) -> None:
    job, other = a_job(), a_job()
    store.add([job])
    intruder = sqlite3.connect(file, isolation_level=None)
    intruder.execute("BEGIN EXCLUSIVE")
    for write in (lambda: store.add([other]), lambda: store.forget(job.id), store.ping):
        with pytest.raises(StoreUnavailableError, match=r"quill.db: another process keeps it locked"):
            write()
    assert store.get([job.id])
    intruder.execute("ROLLBACK")
    intruder.close()
    store.add([other])
    assert store.backlog() == 2


def add_until_refused(file: Path) -> str:
    """Run in a process of its own: the limit would stay with the tests' process."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    store = open_store(Settings(store_url=f"sqlite:///{file}"))
    try:
        while True:
            store.add([a_job() for _ in range(10)])
    except StoreUnavailableError as error:
        return str(error)


def test_a_full_disk_refuses_whole_groups(store: Store, file: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert "the disk" in pool.submit(add_until_refused, file).result(timeout=50)
    kept = store.backlog()
    assert kept > 0
    assert kept % 10 == 0


def test_a_place_that_cannot_hold_a_database_is_told(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear database, " * 1000)
    for place, reason in {
        letter: "not a database; name another file",
        letter / "folder" / "quill.db": "Not a directory",
        tmp_path: "cannot be opened",
    }.items():
        store = open_store(Settings(store_url=f"sqlite:///{place}"))
        with pytest.raises(StoreUnavailableError, match=reason):
            store.add([a_job()])
        with pytest.raises(StoreUnavailableError, match=reason):
            store.get([new_id()])


def test_a_file_of_a_newer_quill_is_left_alone(store: Store, file: Path) -> None:
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 999")
    newer.close()
    with pytest.raises(StoreUnavailableError, match="schema 999"):
        store.ping()


VERSION_1 = """
CREATE TABLE mnist1 (
    id TEXT PRIMARY KEY, digits TEXT, upload_time INTEGER NOT NULL, pictures BLOB NOT NULL,
    finished_ms INTEGER, answer TEXT, label INTEGER
);
CREATE INDEX history ON mnist1 (upload_time, id);
CREATE INDEX unfinished ON mnist1 (upload_time, id) WHERE finished_ms IS NULL;
CREATE INDEX corrected ON mnist1 (id) WHERE label IS NOT NULL;
CREATE TABLE forgotten (id TEXT PRIMARY KEY, forgotten_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, id TEXT NOT NULL, claimed_ms INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO mnist1 VALUES ('a', '7', 1, zeroblob(784), NULL, NULL, 3), ('b', '7', 2, zeroblob(784), NULL, NULL, NULL);
PRAGMA user_version = 1;
"""


def test_a_file_whose_labels_are_numbers_is_taken_over(store: Store, file: Path) -> None:
    with sqlite3.connect(file) as older:
        older.executescript(VERSION_1)
    older.close()
    assert {p.id: p.label for p in store.history(10)} == {"a": "3", "b": None}
    assert store.label("b", "07")
    assert sorted(str(p.label) for p in store.corrections()) == ["07", "3"]


def test_a_mistake_of_the_program_stays_loud(store: Store) -> None:
    with pytest.raises(sqlite3.Error):
        store.label(new_id(), cast("Any", object()))
    store.ping()
