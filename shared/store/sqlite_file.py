"""How this process opens the SQLite file: its schema, one connection that writes, and errors told in words."""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from shared.store.port import StoreUnavailableError

WAIT_S = 2.0  # for a lock, twice at most: this process's turn to write, then the file

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
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop web and workers, remove its -wal and -shm files, put back a copy",
    sqlite3.SQLITE_NOTADB: "it is not a database; name another file",
}


class SqliteFile:
    """The file, opened by the first call, in the process that calls.

    One connection writes, so that a group is one transaction and one fsync; readers have their own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._first: os.stat_result | None = None  # the file that was opened first: never another one
        self._readers: deque[sqlite3.Connection] = deque()

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Lend a connection to read by, which never waits for a writer.

        Raises:
            StoreUnavailableError: the file cannot be read now.
        """
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
    def writing(self) -> Generator[sqlite3.Connection]:
        """Lend the connection to write by, in a transaction that the end of the block commits durably.

        Raises:
            StoreUnavailableError: nothing was promised, the same may be written again.
        """
        if not self._turn.acquire(timeout=WAIT_S):
            raise StoreUnavailableError(f"SQLite {self._path}: earlier writes of this process still wait")
        try:
            with self._not_now():
                self._check_in_place()
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

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        with self._turn:
            if self._writer:
                self._writer.close()
                self._writer = None
            while self._readers:
                self._readers.pop().close()
            self._first = None

    def _check_in_place(self) -> None:
        """Refuse a file that is no longer at its path, where SQLite would write on, and any other that lies there now.

        Other connections, and other processes, still have the first one.
        """
        if self._first and not (self._path.exists() and os.path.samestat(self._path.stat(), self._first)):
            raise StoreUnavailableError(
                f"SQLite {self._path}: it was moved or replaced while in use; put it back, or stop web and workers, "
                "remove its -wal and -shm files and start them with the other file"
            )

    def _open(self) -> sqlite3.Connection:
        self._check_in_place()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._ensure_schema(connection)
            self._first = self._first or self._path.stat()
        except BaseException:
            connection.close()
            raise
        return connection

    def _ensure_schema(self, connection: sqlite3.Connection) -> None:
        if _version(connection) in STEPS:
            connection.execute("BEGIN IMMEDIATE")
            if not _version(connection) and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise StoreUnavailableError(f"SQLite {self._path} is another program's; name another file")
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
