"""The embedded store: one SQLite file that web and workers of one machine share."""

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.contract import Job, Prediction, now_ms
from shared.settings import Settings
from shared.store.port import Position, StoreUnavailableError
from shared.store.record import Record, answer_of, pictures_of, prediction_of

WAIT_S = 2.0  # for a lock, twice at most: this process's turn to write, then the file
DAY_MS = 24 * 60 * 60 * 1000
PAGE = 500  # rows that a long reading or deleting takes at a time, so that nobody waits for it

VERSION = 2
SCHEMA = f"""
CREATE TABLE mnist1 (
    id TEXT PRIMARY KEY, digits TEXT, upload_time INTEGER NOT NULL, pictures BLOB NOT NULL,
    finished_ms INTEGER, answer TEXT, label TEXT
);
CREATE INDEX history ON mnist1 (upload_time, id);
CREATE INDEX unfinished ON mnist1 (upload_time, id) WHERE finished_ms IS NULL;
CREATE INDEX corrected ON mnist1 (id) WHERE label IS NOT NULL;
CREATE TABLE forgotten (id TEXT PRIMARY KEY, forgotten_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, id TEXT NOT NULL, claimed_ms INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
FROM_1 = """
DROP INDEX corrected;
ALTER TABLE mnist1 RENAME COLUMN label TO digit;
ALTER TABLE mnist1 ADD COLUMN label TEXT;
UPDATE mnist1 SET label = digit WHERE digit IS NOT NULL;
ALTER TABLE mnist1 DROP COLUMN digit;
CREATE INDEX corrected ON mnist1 (id) WHERE label IS NOT NULL;
PRAGMA user_version = 2;
"""
STEPS = {0: SCHEMA, 1: FROM_1}  # what makes a file of that version one of the present version
ADD = """
INSERT INTO mnist1 (id, upload_time, pictures)
SELECT :id, :accepted_ms, :pictures WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE id = :id)
ON CONFLICT DO NOTHING
"""
FINISH = "UPDATE mnist1 SET digits = ?, finished_ms = ?, answer = ? WHERE id = ? AND finished_ms IS NULL"
SELECT = "SELECT id, digits, upload_time, pictures, finished_ms, answer, label FROM mnist1 "
GET = SELECT + "WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - made of constants
HISTORY = SELECT + "ORDER BY upload_time DESC, id DESC LIMIT ?"
HISTORY_BEFORE = SELECT + "WHERE (upload_time, id) < (?, ?) ORDER BY upload_time DESC, id DESC LIMIT ?"
CORRECTED = SELECT + "WHERE label IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
UNFINISHED = """
SELECT id, pictures, upload_time FROM mnist1 WHERE finished_ms IS NULL AND upload_time < ?
ORDER BY upload_time, id LIMIT ?
"""
CLAIM = """
INSERT INTO claims VALUES (:key, :digest, :id, :now)
ON CONFLICT (key) DO UPDATE SET digest = :digest, id = :id, claimed_ms = :now WHERE claimed_ms <= :now - :day
"""
EXPIRED = (
    "DELETE FROM mnist1 WHERE rowid IN (SELECT rowid FROM mnist1 WHERE upload_time < ? LIMIT ?)",
    "DELETE FROM forgotten WHERE id IN (SELECT id FROM forgotten WHERE forgotten_ms < ? LIMIT ?)",
    "DELETE FROM claims WHERE key IN (SELECT key FROM claims WHERE claimed_ms < ? LIMIT ?)",
)
# What may go away by itself or by an operator's hand; every other error is a fault of the program and stays loud.
NOT_NOW = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked",
    sqlite3.SQLITE_PROTOCOL: "too many processes open it at once",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
    sqlite3.SQLITE_READONLY: "it may not be written; check the owner of the file and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened; check the owner of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder is there and may be written",
    sqlite3.SQLITE_CORRUPT: "it is damaged; put back a copy",
    sqlite3.SQLITE_NOTADB: "it is not a database; name another file",
}


class SqliteStore:
    """Keeps predictions in one file; see shared.store.port.Store for what each method promises.

    One connection writes, so that a group is one transaction and one fsync; readers have their own and never wait
    for it. Nothing is opened before the first call.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = Path(settings.store_url.removeprefix("sqlite:///"))
        self._retention_ms = settings.retention_days * DAY_MS
        self._turn = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: deque[sqlite3.Connection] = deque()

    def add(self, jobs: Sequence[Job]) -> None:
        """Keep the jobs as queued, all in one transaction."""
        rows = [{"id": job.id, "accepted_ms": job.accepted_ms, "pictures": b"".join(job.pictures)} for job in jobs]
        with self._writing() as connection:
            connection.executemany(ADD, rows)

    def finish(self, predictions: Sequence[Prediction]) -> int:
        """Keep the answers, all in one transaction; an answer that is there already stays."""
        rows = [(p.digits, p.finished_ms, answer_of(p), p.id) for p in predictions]
        with self._writing() as connection:
            kept = connection.executemany(FINISH, rows).rowcount
            return 0 if kept == len(rows) else _known(connection, [p.id for p in predictions]) - kept

    def get(self, ids: Collection[str]) -> dict[str, Prediction]:
        """Return the predictions that are there, by id, in one query."""
        return {p.id: p for p in self._select(GET, json.dumps(list(ids)))}

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        """Return the oldest unfinished jobs."""
        with self._reading() as connection:
            rows: list[tuple[str, bytes, int]] = connection.execute(UNFINISHED, (before_ms, limit)).fetchall()
        return [Job(job_id, pictures_of(pictures), accepted_ms) for job_id, pictures, accepted_ms in rows]

    def backlog(self) -> int:
        """Return how many jobs are unfinished; the index of the unfinished is all that is read."""
        with self._reading() as connection:
            return connection.execute("SELECT count(*) FROM mnist1 WHERE finished_ms IS NULL").fetchone()[0]

    def history(self, limit: int, before: Position | None = None) -> list[Prediction]:
        """Return predictions by (accepted_ms, id), the greatest first."""
        if before is None:
            return self._select(HISTORY, limit)
        return self._select(HISTORY_BEFORE, before.accepted_ms, before.id, limit)

    def label(self, prediction_id: str, digits: str) -> bool:
        """Keep the correction; tell whether the prediction is there."""
        with self._writing() as connection:
            return connection.execute("UPDATE mnist1 SET label = ? WHERE id = ?", (digits, prediction_id)).rowcount > 0

    def corrections(self) -> Iterator[Prediction]:
        """Yield the labelled predictions by id, a page at a time."""
        page = self._select(CORRECTED, "", PAGE)
        while page:
            yield from page
            page = self._select(CORRECTED, page[-1].id, PAGE)

    def forget(self, prediction_id: str) -> None:
        """Remove the row and keep its id among the forgotten for as long as the retention."""
        with self._writing() as connection:
            connection.execute("DELETE FROM mnist1 WHERE id = ?", (prediction_id,))
            connection.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (prediction_id, now_ms()))

    def claim(self, key: str, digest: str, prediction_id: str) -> tuple[str, str]:
        """Bind the key unless it was bound within a day; return what it is bound to."""
        row = {"key": key, "digest": digest, "id": prediction_id, "now": now_ms(), "day": DAY_MS}
        with self._writing() as connection:
            connection.execute(CLAIM, row)
            return connection.execute("SELECT digest, id FROM claims WHERE key = :key", row).fetchone()

    def purge(self) -> None:
        """Delete what is past its time, a page a transaction, so that writers get their turns in between."""
        for statement, age_ms in zip(EXPIRED, (self._retention_ms, self._retention_ms, DAY_MS), strict=True):
            deleted = PAGE
            while deleted == PAGE:
                with self._writing() as connection:
                    deleted = connection.execute(statement, (now_ms() - age_ms, PAGE)).rowcount

    def ping(self) -> None:
        """Write the schema's version anew: a real write, which a full or read-only disk refuses."""
        with self._writing() as connection:
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        with self._turn:
            if self._writer:
                self._writer.close()
                self._writer = None
            while self._readers:
                self._readers.pop().close()

    def _select(self, statement: str, *values: str | int) -> list[Prediction]:
        with self._reading() as connection:
            rows = connection.execute(statement, values).fetchall()
        return [prediction_of(Record(*row)) for row in rows]

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._not_now():
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = self._open()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._readers.append(connection)

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        if not self._turn.acquire(timeout=WAIT_S):
            raise StoreUnavailableError(f"SQLite {self._path}: earlier writes of this process still wait")
        try:
            with self._not_now():
                self._writer = connection = self._writer or self._open()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    self._writer = None
                    connection.close()  # rolls back
                    raise
        finally:
            self._turn.release()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._ensure_schema(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _ensure_schema(self, connection: sqlite3.Connection) -> None:
        if _version(connection) in STEPS:
            connection.execute("BEGIN IMMEDIATE")
            for statement in STEPS.get(_version(connection), "").split(";"):  # unless another process was quicker
                connection.execute(statement)
            connection.execute("COMMIT")
        if (found := _version(connection)) != VERSION:
            raise StoreUnavailableError(f"SQLite {self._path} has schema {found}, this Quill knows {VERSION}")

    @contextmanager
    def _not_now(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = NOT_NOW.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if reason is None:
                raise
            raise StoreUnavailableError(f"SQLite {self._path}: {reason} ({error})") from error
        except OSError as error:
            raise StoreUnavailableError(f"SQLite {self._path}: {error}") from error


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _known(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Return how many of the ids, which may repeat, are there."""
    there = "SELECT count(*) FROM json_each(?) AS asked JOIN mnist1 ON mnist1.id = asked.value"
    return connection.execute(there, (json.dumps(ids),)).fetchone()[0]
