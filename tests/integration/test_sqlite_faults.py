"""SQLite in trouble: each cause is told within seconds, and nothing half-written is left."""

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import pytest

from shared.contract import PICTURE_BYTES, new_id, now_ms
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from shared.store.sqlite import DAY_MS, TURN_S, SqliteStore
from tests.services.store import a_job

pytestmark = pytest.mark.timeout(60)

FULL = 2  # SQLite's number for: wait until the disk has it


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


def ping_on_a_full_disk(file: Path) -> str:
    """Run in a process of its own, as above."""
    store = open_store(Settings(store_url=f"sqlite:///{file}"))
    store.ping()
    full = file.with_name("quill.db-wal").stat().st_size  # where the next write would go on
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))
    try:
        store.ping()
    except StoreUnavailableError as error:
        return str(error)
    return "ok"


def test_a_full_disk_is_told_before_a_drawing_meets_it(file: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert "the disk" in pool.submit(ping_on_a_full_disk, file).result(timeout=50)


def test_a_write_that_does_not_end_keeps_another_only_for_seconds(store: Store) -> None:
    """As on a disk that hangs: who asks whether the store is there has to hear."""
    assert isinstance(store, SqliteStore)
    with store._file.writing(), pytest.raises(StoreUnavailableError, match="earlier writes of this process still wait"):  # pyright: ignore[reportPrivateUsage] - a disk that hangs is hard to make
        store.ping()


def written(store: Store, _: Path) -> None:
    store.add([a_job()])


def only_read(store: Store, _: Path) -> None:
    store.get([new_id()])


def refused(store: Store, file: Path) -> None:
    store.ping()
    with closing(sqlite3.connect(file, isolation_level=None)) as intruder:
        intruder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailableError):
            store.ping()
        intruder.execute("ROLLBACK")


@pytest.mark.parametrize("last", [written, only_read, refused])
def test_a_file_moved_away_or_replaced_takes_nothing_until_it_is_back(
    store: Store, file: Path, last: Callable[[Store, Path], None]
) -> None:
    last(store, file)
    backlog = store.backlog()
    away = file.rename(file.with_name("away.db"))
    with pytest.raises(StoreUnavailableError, match=r"quill.db: it was moved or replaced while in use; put it back"):
        store.add([a_job()])
    assert not file.exists()
    file.write_bytes(away.read_bytes())
    with pytest.raises(StoreUnavailableError, match="moved or replaced"):
        store.ping()
    away.replace(file)
    store.add([a_job()])
    assert store.backlog() == backlog + 1


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


def test_a_file_of_another_program_is_left_alone(store: Store, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE mnist1 (theirs)")
    other.close()
    with pytest.raises(StoreUnavailableError, match=r"quill.db is another program's; name another file"):
        store.ping()


def test_a_damaged_file_is_told_with_a_cure_that_spares_the_copy(store: Store, file: Path) -> None:
    store.add([a_job() for _ in range(100)])
    store.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(StoreUnavailableError, match=r"damaged; stop web and workers, remove its -wal and -shm files"):
        store.add([a_job()])


def test_an_answer_is_on_the_disk_before_anybody_is_told(store: Store) -> None:
    store.add([a_job()])
    assert isinstance(store, SqliteStore)
    with store._file.writing() as connection:  # pyright: ignore[reportPrivateUsage] - a power cut is hard to make
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)


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


def test_an_unfinished_row_that_makes_no_job_holds_up_no_other(
    store: Store, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strange, job = a_job(), a_job()
    store.add([strange, job])
    with sqlite3.connect(file) as another:
        another.execute("UPDATE mnist1 SET pictures = ? WHERE id = ?", (bytes(PICTURE_BYTES + 1), strange.id))
    another.close()
    for _ in range(2):
        assert store.unfinished(now_ms() + 1, 10) == [job]
    assert caplog.text.count(f"{strange.id} is passed over: a picture has {PICTURE_BYTES} bytes") == 1


def test_a_mistake_of_the_program_stays_loud(store: Store) -> None:
    with pytest.raises(sqlite3.Error):
        store.label(new_id(), cast("Any", object()))
    store.ping()


@pytest.fixture
def paged(file: Path) -> Iterator[Store]:
    """Give a store that reads and deletes two rows at a time."""
    store = SqliteStore(Settings(store_url=f"sqlite:///{file}", retention_days=1), page=2)
    yield store
    store.close()


def test_corrections_of_many_pages_all_come_out_once(paged: Store) -> None:
    jobs = [a_job() for _ in range(5)]
    paged.add(jobs)
    for job in jobs:
        paged.label(job.id, "3")
    assert sorted(p.id for p in paged.corrections()) == sorted(job.id for job in jobs)


AGE = "UPDATE mnist1 SET upload_time = 1; UPDATE forgotten SET forgotten_ms = 1; UPDATE claims SET claimed_ms = 1"
COUNT = "SELECT (SELECT count(*) FROM mnist1), (SELECT count(*) FROM forgotten), (SELECT count(*) FROM claims)"


def test_all_that_is_past_its_time_goes_page_by_page(paged: Store, file: Path) -> None:
    paged.add([a_job() for _ in range(5)])
    for _ in range(5):
        paged.forget(new_id())
        paged.claim(new_id(), "digest", new_id())
    with sqlite3.connect(file) as clock:
        clock.executescript(AGE)
        paged.add([a_job()])
        paged.forget(new_id())
        paged.claim("young", "digest", new_id())
        paged.purge()
        assert clock.execute(COUNT).fetchone() == (1, 1, 1)
    clock.close()


def test_between_two_pages_of_a_purge_whoever_waits_to_write_gets_a_turn(paged: Store, file: Path) -> None:
    """SQLite looks for a lock ten times a second at last: a purge without a pause had others give up after 2 s."""
    for _ in range(5):
        paged.claim(new_id(), "digest", new_id())
    with sqlite3.connect(file) as clock:
        clock.executescript(AGE)
    clock.close()
    start_s = time.monotonic()
    paged.purge()
    assert time.monotonic() - start_s >= 2 * TURN_S >= 0.2


def test_a_mark_of_what_is_forgotten_stays_as_long_as_the_retention_and_a_key_for_a_day(
    store: Store, file: Path
) -> None:
    """Else a late message would bring back what was deleted."""
    store.forget(new_id())
    store.claim("key", "digest", new_id())
    with sqlite3.connect(file) as clock:
        clock.executescript(AGE.replace("= 1", f"= {now_ms() - 2 * DAY_MS}"))
        store.purge()
        assert clock.execute(COUNT).fetchone() == (0, 1, 0)
    clock.close()


def test_a_key_may_be_taken_again_after_a_day(store: Store, file: Path) -> None:
    first, second = new_id(), new_id()
    store.claim("key", "digest", first)
    for age_ms, bound in ((DAY_MS - 60_000, first), (DAY_MS, second)):
        with sqlite3.connect(file) as clock:
            clock.execute("UPDATE claims SET claimed_ms = ?", (now_ms() - age_ms,))
        clock.close()
        assert store.claim("key", "digest", second) == ("digest", bound)
