"""Which jobs were accepted and finished in which minute, in tables that only ever grow until their rows expire.

Cassandra finds rows by partition, so a list of all predictions, or of the unfinished, needs partitions of a known
name and a bounded size: a minute of acceptance. A job's id is written under its minute when it is accepted and again
when it is finished; the unfinished are the difference. Deleting instead would leave a tombstone for each job in the
very place that is read most.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.contract import now_ms
from shared.store.cassandra_connection import CassandraConnection, Values
from shared.store.port import Position, StoreUnavailableError

MINUTE_MS = 60_000
DAY = 24 * 60  # minutes
MONTH = 30 * DAY  # not a calendar's
# A minute's jobs all come within LATE minutes of it; who comes later says so. Readers give it up only after CLOSING:
# the difference is what clocks of web and worker may disagree by before each of web's jobs comes late.
LATE = 2
CLOSING = 5
TRIES = 5

ACCEPT = "INSERT INTO accepted (minute, accepted_ms, id, noted_ms) VALUES (?, ?, ?, ?) USING TTL ?"
INDEX = "INSERT INTO minutes (month, minute) VALUES (?, ?) USING TTL ?"
FINISH = "INSERT INTO finished (minute, accepted_ms, id) VALUES (?, ?, ?) USING TTL ?"
COUNT_ACCEPTED = "SELECT count(*) AS jobs FROM accepted WHERE minute = ?"
COUNT_FINISHED = "SELECT count(*) AS jobs FROM finished WHERE minute = ?"
ACCEPTED = "SELECT accepted_ms, id, noted_ms FROM accepted WHERE minute = ? ORDER BY accepted_ms ASC, id ASC"
FINISHED = "SELECT accepted_ms, id FROM finished WHERE minute = ?"
SINCE = "SELECT minute FROM minutes WHERE month = ? AND minute >= ? ORDER BY minute ASC"
UNTIL = "SELECT minute FROM minutes WHERE month = ? AND minute <= ?"
PAGE = "SELECT accepted_ms, id FROM accepted WHERE minute = ? AND (accepted_ms, id) < (?, ?) LIMIT ?"
WATERMARK = "SELECT minute, late FROM watermark WHERE name = 'finished'"
MOVE = "UPDATE watermark SET minute = ?, late = ? WHERE name = 'finished' IF minute = ? AND late = ?"
MINUTES_STATEMENTS = (
    *(ACCEPT, INDEX, FINISH),
    *(COUNT_ACCEPTED, COUNT_FINISHED, ACCEPTED, FINISHED),
    *(SINCE, UNTIL, PAGE, WATERMARK, MOVE),
)


class Noted(NamedTuple):
    """A job that was accepted, and when that was noted, both in milliseconds since 1970 UTC."""

    accepted_ms: int
    id: str
    noted_ms: int


class Watermark(NamedTuple):
    """All jobs of the minutes before this one are finished, but for one that is just coming late and moves it back.

    Attributes:
        late: changed by each job that comes late, so that no reader that missed it can move the watermark past it.
    """

    minute: int | None
    late: uuid.UUID | None


class Seen(NamedTuple):
    """What a reader need not count again.

    Attributes:
        late: the watermark's, at the time of counting; once that has changed nothing here holds.
        balanced: minutes without unfinished jobs, to be counted once more before they are closed.
        closed: minutes without unfinished jobs, to which none will come unless it says so.
    """

    late: uuid.UUID | None = None
    balanced: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()


class Minutes:
    """The accepted and the finished jobs by minute, kept for retention_s seconds after acceptance."""

    def __init__(self, connection: CassandraConnection, retention_s: int) -> None:
        self._connection = connection
        self._retention_s = retention_s
        self._indexed: set[int] = set()  # minutes that this process has put into the index
        self._seen = Seen()
        self._given_up = 0  # all minutes before it, when this process looked last; its own clock may be far behind

    def ttl_s(self, accepted_ms: int) -> int:
        """Return the seconds that are left to what belongs to a job accepted then.

        One at least, and a day over the retention at most, for clocks that are ahead: Cassandra refuses far more, and
        a message from anybody may name a year in which it would.
        """
        left_s = accepted_ms // 1000 + self._retention_s - int(time.time())
        return min(max(1, left_s), self._retention_s + DAY * 60)

    def accept(self, jobs: Iterable[Position]) -> None:
        """Note the jobs as accepted, before anything else is written of them."""
        noted_ms = now_ms()
        by_minute: dict[int, list[Values]] = defaultdict(list)
        for accepted_ms, job_id in jobs:
            minute = accepted_ms // MINUTE_MS
            by_minute[minute].append((minute, accepted_ms, uuid.UUID(job_id), noted_ms, self.ttl_s(accepted_ms)))
        self._index(by_minute.keys() - self._indexed)
        self._connection.together(ACCEPT, list(by_minute.values()))
        self._seen = self._seen._replace(balanced=self._seen.balanced - by_minute.keys())
        late = [minute for minute in by_minute if minute < max(_this_minute() - LATE, self._given_up)]
        if late:
            self._come_late(min(late))

    def finish(self, jobs: Iterable[Position]) -> None:
        """Note the jobs as finished, after their answers are written."""
        by_minute: dict[int, list[Values]] = defaultdict(list)
        for accepted_ms, job_id in jobs:
            minute = accepted_ms // MINUTE_MS
            by_minute[minute].append((minute, accepted_ms, uuid.UUID(job_id), self.ttl_s(accepted_ms)))
        self._connection.together(FINISH, list(by_minute.values()))

    def open(self) -> dict[int, int]:
        """Return how many jobs are unfinished in each minute that has any, oldest first."""
        watermark, done_by = self._watermark(), _this_minute() - CLOSING
        self._given_up = watermark.minute or 0
        seen = self._seen if self._seen.late == watermark.late else Seen(watermark.late)
        minutes = [minute for minute in self._since(watermark.minute) if minute not in seen.closed]
        unfinished = self._count([minute for minute in minutes if minute < done_by or minute not in seen.balanced])
        balanced = seen.balanced | {m for m, jobs in unfinished.items() if jobs <= 0 and m < _this_minute() - 1}
        closed = seen.closed | {m for m, jobs in unfinished.items() if jobs <= 0 and m < done_by}
        first = min((minute for minute in minutes if minute not in closed), default=done_by)
        still = frozenset(minute for minute in balanced | closed if minute >= first)
        self._seen = Seen(watermark.late, still - closed, still & closed)
        self._raise(watermark, min(first, done_by))
        return {minute: jobs for minute, jobs in unfinished.items() if jobs > 0}

    def unfinished(self, minute: int) -> list[Noted]:
        """Return the jobs of the minute that are accepted and not finished, oldest first."""
        finished = {(row["accepted_ms"], row["id"]) for row in self._connection.rows(FINISHED, minute)}
        return [
            Noted(row["accepted_ms"], str(row["id"]), row["noted_ms"])
            for row in self._connection.rows(ACCEPTED, minute)
            if (row["accepted_ms"], row["id"]) not in finished
        ]

    def page(self, before: Position, limit: int) -> list[Position]:
        """Return up to limit accepted jobs, newest first, only those after `before` in that order."""
        found: list[Position] = []
        for minute in self._until(before.accepted_ms // MINUTE_MS):
            rest = limit - len(found)
            rows = self._connection.rows(PAGE, minute, before.accepted_ms, uuid.UUID(before.id), rest)
            found += [Position(row["accepted_ms"], str(row["id"])) for row in rows]
            if len(found) == limit:
                break
        return found

    def _index(self, minutes: set[int]) -> None:
        rows = [(minute // MONTH, minute, self.ttl_s(minute * MINUTE_MS) + 60) for minute in minutes]
        self._connection.each(INDEX, rows)
        self._indexed = {*self._indexed, *minutes} if len(self._indexed) < MONTH else minutes

    def _count(self, minutes: list[int]) -> dict[int, int]:
        """Count the finished first: a job that comes in between is then counted as unfinished, never missed."""
        finished = self._connection.each(COUNT_FINISHED, [(minute,) for minute in minutes])
        accepted = self._connection.each(COUNT_ACCEPTED, [(minute,) for minute in minutes])
        return {minute: a[0]["jobs"] - f[0]["jobs"] for minute, a, f in zip(minutes, accepted, finished, strict=True)}

    def _since(self, minute: int | None) -> Iterator[int]:
        first = self._oldest() if minute is None else minute
        for month in range(first // MONTH, self._newest() // MONTH + 1):
            yield from (row["minute"] for row in self._connection.rows(SINCE, month, first))

    def _until(self, minute: int) -> Iterator[int]:
        last = min(minute, self._newest())
        for month in range(last // MONTH, self._oldest() // MONTH - 1, -1):
            yield from (row["minute"] for row in self._connection.rows(UNTIL, month, last))

    def _oldest(self) -> int:
        return _this_minute() - self._retention_s // 60 - 1

    def _newest(self) -> int:
        return _this_minute() + DAY  # who accepted may have a clock that is ahead

    def _watermark(self) -> Watermark:
        rows = self._connection.rows(WATERMARK)
        return Watermark(rows[0]["minute"], rows[0]["late"]) if rows else Watermark(None, None)

    def _raise(self, watermark: Watermark, minute: int) -> None:
        if watermark.minute is None or watermark.minute < minute:
            self._move(watermark, Watermark(minute, watermark.late))

    def _come_late(self, minute: int) -> None:
        for _ in range(TRIES):
            watermark = self._watermark()
            lower = None if watermark.minute is None else min(watermark.minute, minute)
            if self._move(watermark, Watermark(lower, uuid.uuid4())):
                return
        raise StoreUnavailableError("Cassandra: too many jobs come late at once")

    def _move(self, old: Watermark, new: Watermark) -> bool:
        return self._connection.rows(MOVE, *new, *old)[0]["[applied]"]


def _this_minute() -> int:
    return now_ms() // MINUTE_MS
