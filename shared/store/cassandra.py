"""The store for many machines: Cassandra, where writes commute and only a first answer is agreed upon."""

import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence

from shared.contract import Job, Prediction
from shared.settings import Settings
from shared.store.cassandra_connection import CassandraConnection, Row
from shared.store.cassandra_minutes import MINUTE_MS, MINUTES_STATEMENTS, Minutes, Noted
from shared.store.port import Position, StoreUnavailableError
from shared.store.record import Record, answer_of, prediction_of, unfinished_job

DAY_S = 24 * 60 * 60
GROUP = 64  # rows that one query reads
NEWEST = Position(2**62, "ffffffff-ffff-ffff-ffff-ffffffffffff")
# An add that takes longer is refused. So a job that was noted longer ago, and has no row, was never promised: its add
# broke off. The difference is what clocks may disagree by.
ADD_S = 20
BROKEN_OFF_S = 60
# The rows of mnist1 are written in two ways. A job is added by a plain insert, which is quick. Answers, labels and
# forgetting go through light-weight transactions (IF), which see each other's effects in one order. The two must not
# compete for a cell by the clock, so an insert carries a time before all transactions: it only ever fills cells that
# nobody has written, however late it comes, and of two inserts of one job the one accepted first stays.
BEFORE_ALL_US = 10**13
ADD = "INSERT INTO mnist1 (id, upload_time, pictures) VALUES (?, ?, ?) USING TIMESTAMP ? AND TTL ?"
FINISH = """
UPDATE mnist1 USING TTL ? SET digits = ?, finished_ms = ?, answer = ? WHERE id = ?
IF finished_ms = null AND forgotten = null AND upload_time != null
"""
LABEL = "UPDATE mnist1 USING TTL ? SET label_digits = ? WHERE id = ? IF forgotten = null AND upload_time != null"
FORGET = """
UPDATE mnist1 USING TTL ? SET forgotten = true, digits = null, upload_time = null, pictures = null,
finished_ms = null, answer = null, label_digits = null WHERE id = ? IF forgotten = null
"""
GET = """
SELECT id, digits, to_unix_timestamp(upload_time) AS accepted_ms, pictures, finished_ms, answer,
label_digits AS label, forgotten FROM mnist1 WHERE id IN ?
"""
CORRECT = "INSERT INTO corrected (day, id) VALUES (?, ?) USING TTL ?"
CORRECTED = "SELECT id FROM corrected WHERE day = ?"
CLAIM = "INSERT INTO claims (key, digest, id) VALUES (?, ?, ?) IF NOT EXISTS USING TTL 86400"
PING = "INSERT INTO watermark (name) VALUES ('ping')"
STATEMENTS = (ADD, FINISH, LABEL, FORGET, GET, CORRECT, CORRECTED, CLAIM, PING, *MINUTES_STATEMENTS)


class CassandraStore:
    """Keeps predictions in a cluster; see shared.store.port.Store for what each method promises.

    A job is noted in its minute before its row is written, and an answer is written before it is noted there. So
    whatever is interrupted half-way is at worst seen as unfinished once too often, and put right when it is looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._retention_s = settings.retention_days * DAY_S
        self._connection = CassandraConnection(settings, STATEMENTS)
        self._minutes = Minutes(self._connection, self._retention_s)

    def add(self, jobs: Sequence[Job]) -> None:
        """Keep the jobs as queued, all rows at the same time."""
        began = time.monotonic()
        self._minutes.accept(Position(job.accepted_ms, job.id) for job in jobs)
        self._connection.each(ADD, [self._added(job) for job in jobs])
        if time.monotonic() - began > ADD_S:  # this process was stopped in between, say
            raise StoreUnavailableError(f"adding took Cassandra more than {ADD_S} s")

    def finish(self, predictions: Sequence[Prediction]) -> int:
        """Keep the answers, each on the condition that its job is there and has none."""
        answers = [
            (self._minutes.ttl_s(p.accepted_ms), p.digits, p.finished_ms, answer_of(p), uuid.UUID(p.id))
            for p in predictions
        ]
        rows = self._connection.each(FINISH, answers)
        answered = [p for p, [row] in zip(predictions, rows, strict=True) if _has_answer(row)]
        self._minutes.finish(Position(p.accepted_ms, p.id) for p in answered)
        return len(answered) - sum(row["[applied]"] for [row] in rows)

    def get(self, ids: Collection[str]) -> dict[str, Prediction]:
        """Return the predictions that are there, by id."""
        return {job_id: _prediction(row) for job_id, row in self._rows(ids).items() if _is_there(row)}

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        """Return the oldest unfinished jobs, minute by minute."""
        found: dict[str, Job] = {}
        for minute in self._minutes.open():
            if len(found) >= limit or minute * MINUTE_MS >= before_ms:
                break  # each minute is read as a whole, on the way of whoever asks
            noted = [job for job in self._minutes.unfinished(minute) if job.accepted_ms < before_ms]
            while noted and len(found) < limit:
                found |= {job.id: job for job in self._waiting(noted[:GROUP])}
                noted = noted[GROUP:]
        return list(found.values())[:limit]

    def backlog(self) -> int:
        """Return how many jobs are unfinished, counted in the minutes that have any."""
        return sum(self._minutes.open().values())

    def history(self, limit: int, before: Position | None = None) -> list[Prediction]:
        """Return predictions by (accepted_ms, id), the greatest first."""
        found: list[Prediction] = []
        before = before or NEWEST
        while len(found) < limit and (page := self._minutes.page(before, limit)):
            known = self.get([place.id for place in page])
            found += [known[p.id] for p in page if p.id in known and known[p.id].accepted_ms == p.accepted_ms]
            before = page[-1]
        return found[:limit]

    def label(self, prediction_id: str, digits: str) -> bool:
        """Keep the correction; tell whether the prediction is there."""
        known = self.get([prediction_id]).get(prediction_id)
        if known is None:
            return False
        job_id, ttl_s = uuid.UUID(prediction_id), self._minutes.ttl_s(known.accepted_ms)
        self._connection.rows(CORRECT, known.accepted_ms // 1000 // DAY_S, job_id, ttl_s)
        return self._connection.rows(LABEL, ttl_s, digits, job_id)[0]["[applied]"]

    def corrections(self) -> Iterator[Prediction]:
        """Yield the labelled predictions, day by day of their acceptance."""
        today = int(time.time()) // DAY_S
        for day in range(today + 1, today - self._retention_s // DAY_S - 2, -1):
            ids = [str(row["id"]) for row in self._connection.rows(CORRECTED, day)]
            for start in range(0, len(ids), GROUP):
                yield from (p for p in self.get(ids[start : start + GROUP]).values() if p.label is not None)

    def forget(self, prediction_id: str) -> None:
        """Empty the row but for a mark, which refuses all later writes for as long as the retention."""
        known = self.get([prediction_id])
        self._connection.rows(FORGET, self._retention_s, uuid.UUID(prediction_id))
        self._minutes.finish(Position(p.accepted_ms, p.id) for p in known.values())

    def claim(self, key: str, digest: str, prediction_id: str) -> tuple[str, str]:
        """Bind the key unless it is bound; the binding expires after a day."""
        row = self._connection.rows(CLAIM, key, digest, uuid.UUID(prediction_id))[0]
        return (digest, prediction_id) if row["[applied]"] else (row["digest"], str(row["id"]))

    def purge(self) -> None:
        """Do nothing: every row was written with its time to live."""

    def ping(self) -> None:
        """Write a row that says nothing, and read."""
        self._connection.rows(PING)
        self._rows([NEWEST.id])

    def close(self) -> None:
        """Close the session."""
        self._connection.close()

    def _added(self, job: Job) -> tuple[object, ...]:
        time_us, ttl_s = BEFORE_ALL_US - job.accepted_ms, self._minutes.ttl_s(job.accepted_ms)
        return (uuid.UUID(job.id), job.accepted_ms, b"".join(job.pictures), time_us, ttl_s)

    def _rows(self, ids: Iterable[str]) -> dict[str, Row]:
        keys = [uuid.UUID(job_id) for job_id in ids]
        groups = [(keys[start : start + GROUP],) for start in range(0, len(keys), GROUP)]
        return {str(row["id"]): row for rows in self._connection.each(GET, groups) for row in rows}

    def _waiting(self, noted: Sequence[Noted]) -> list[Job]:
        """Return the jobs that wait indeed; note the others as finished, which was left undone."""
        rows = self._rows(job.id for job in noted)
        waiting: list[Job] = []
        over: list[Position] = []
        for job in noted:
            row = rows.get(job.id)
            if row and _is_there(row) and row["finished_ms"] is None:
                found = unfinished_job(job.id, row["pictures"], row["accepted_ms"])
                waiting += [found] if found else []
            elif row or job.noted_ms < (time.time() - BROKEN_OFF_S) * 1000:
                over.append(Position(job.accepted_ms, job.id))
        self._minutes.finish(over)
        return waiting


def _is_there(row: Row) -> bool:
    return row["pictures"] is not None and row["forgotten"] is None


def _has_answer(row: Row) -> bool:
    """Tell from what FINISH returned whether the job has an answer, this one or an earlier."""
    return row["[applied]"] or row.get("finished_ms") is not None


def _prediction(row: Row) -> Prediction:
    record: Row = {name: row[name] for name in Record._fields} | {"id": str(row["id"])}
    return prediction_of(Record(**record))
