"""The embedded store: one SQLite file that web and workers of one machine share."""

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from shared.contract import Job, Prediction, now_ms
from shared.settings import Settings
from shared.store.port import Position
from shared.store.record import Record, answer_of, prediction_of, unfinished_job
from shared.store.sqlite_file import VERSION, SqliteFile

DAY_MS = 24 * 60 * 60 * 1000
PAGE = 500  # rows that a long reading or deleting takes at a time, so that nobody waits for it
TURN_S = 0.1  # between two pages deleted: SQLite looks for a lock this often, and hardly ever finds a shorter gap

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


class SqliteStore:
    """Keeps predictions in one file; see shared.store.port.Store for what each method promises."""

    def __init__(self, settings: Settings, *, page: int = PAGE) -> None:
        self._page = page
        self._file = SqliteFile(Path(settings.store_url.removeprefix("sqlite:///")))
        self._retention_ms = settings.retention_days * DAY_MS

    def add(self, jobs: Sequence[Job]) -> None:
        """Keep the jobs as queued, all in one transaction."""
        rows = [{"id": job.id, "accepted_ms": job.accepted_ms, "pictures": b"".join(job.pictures)} for job in jobs]
        with self._file.writing() as connection:
            connection.executemany(ADD, rows)

    def finish(self, predictions: Sequence[Prediction]) -> int:
        """Keep the answers, all in one transaction; an answer that is there already stays."""
        rows = [(p.digits, p.finished_ms, answer_of(p), p.id) for p in predictions]
        with self._file.writing() as connection:
            kept = connection.executemany(FINISH, rows).rowcount
            return 0 if kept == len(rows) else _known(connection, [p.id for p in predictions]) - kept

    def get(self, ids: Collection[str]) -> dict[str, Prediction]:
        """Return the predictions that are there, by id, in one query."""
        return {p.id: p for p in self._select(GET, json.dumps(list(ids)))}

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        """Return the oldest unfinished jobs."""
        with self._file.reading() as connection:
            rows: list[tuple[str, bytes, int]] = connection.execute(UNFINISHED, (before_ms, limit)).fetchall()
        return [job for row in rows if (job := unfinished_job(*row))]

    def backlog(self) -> int:
        """Return how many jobs are unfinished; the index of the unfinished is all that is read."""
        with self._file.reading() as connection:
            return connection.execute("SELECT count(*) FROM mnist1 WHERE finished_ms IS NULL").fetchone()[0]

    def history(self, limit: int, before: Position | None = None) -> list[Prediction]:
        """Return predictions by (accepted_ms, id), the greatest first."""
        if before is None:
            return self._select(HISTORY, limit)
        return self._select(HISTORY_BEFORE, before.accepted_ms, before.id, limit)

    def label(self, prediction_id: str, digits: str) -> bool:
        """Keep the correction; tell whether the prediction is there."""
        with self._file.writing() as connection:
            return connection.execute("UPDATE mnist1 SET label = ? WHERE id = ?", (digits, prediction_id)).rowcount > 0

    def corrections(self) -> Iterator[Prediction]:
        """Yield the labelled predictions by id, a page at a time."""
        page = self._select(CORRECTED, "", self._page)
        while page:
            yield from page
            page = self._select(CORRECTED, page[-1].id, self._page)

    def forget(self, prediction_id: str) -> None:
        """Remove the row and keep its id among the forgotten for as long as the retention."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM mnist1 WHERE id = ?", (prediction_id,))
            connection.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (prediction_id, now_ms()))

    def claim(self, key: str, digest: str, prediction_id: str) -> tuple[str, str]:
        """Bind the key unless it was bound within a day; return what it is bound to."""
        row = {"key": key, "digest": digest, "id": prediction_id, "now": now_ms(), "day": DAY_MS}
        with self._file.writing() as connection:
            connection.execute(CLAIM, row)
            return connection.execute("SELECT digest, id FROM claims WHERE key = :key", row).fetchone()

    def purge(self) -> None:
        """Delete what is past its time, a page a transaction, so that writers get their turns in between."""
        for statement, age_ms in zip(EXPIRED, (self._retention_ms, self._retention_ms, DAY_MS), strict=True):
            while self._purged(statement, now_ms() - age_ms) == self._page:
                time.sleep(TURN_S)

    def _purged(self, statement: str, before_ms: int) -> int:
        """Delete a page of what is older; return how many rows that were."""
        with self._file.writing() as connection:
            return connection.execute(statement, (before_ms, self._page)).rowcount

    def ping(self) -> None:
        """Write the schema's version anew: a real write, which a full or read-only disk refuses."""
        with self._file.writing() as connection:
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._file.close()

    def _select(self, statement: str, *values: str | int) -> list[Prediction]:
        with self._file.reading() as connection:
            rows = connection.execute(statement, values).fetchall()
        return [prediction_of(Record(*row)) for row in rows]


def _known(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Return how many of the ids, which may repeat, are there."""
    there = "SELECT count(*) FROM json_each(?) AS asked JOIN mnist1 ON mnist1.id = asked.value"
    return connection.execute(there, (json.dumps(ids),)).fetchone()[0]
