"""What was promised and what became of it: each 202 on disk before the next drawing, each answer as first read."""

import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.drawings import Drawing


@dataclass(slots=True)
class Entry:
    """One acknowledged drawing.

    Attributes:
        may_fail: whether "failed" is a right answer, because the model was ordered to break at it.
        answer: the body of the first final answer, and when it was read.
    """

    id: str
    drawing: Drawing
    acknowledged_s: float
    may_fail: bool
    answer: bytes | None = None
    answered_s: float | None = None
    changed: bool = False

    def is_right(self) -> bool:
        """Tell whether the answer is the drawing's own."""
        answer = json.loads(self.answer or b"{}")
        return answer.get("state") == "done" and answer.get("digits") == self.drawing.digits

    def failed(self) -> bool:
        return json.loads(self.answer or b"{}").get("state") == "failed"


class Ledger:
    """All acknowledged drawings of a run."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a")
        self._lock = threading.Lock()
        self.entries: dict[str, Entry] = {}
        self.attempts: Counter[str] = Counter()  # of requests, by the status they got
        self.two_ids = 0  # drawings sent again under their key that came back with another id

    def close(self) -> None:
        """Give back the file."""
        self._file.close()

    def acknowledge(self, drawing: Drawing, prediction_id: str, *, may_fail: bool) -> Entry:
        """Keep a 202 for good."""
        entry = Entry(prediction_id, drawing, time.time(), may_fail)
        with self._lock:
            self._file.write(json.dumps([drawing.number, drawing.mark, prediction_id, entry.acknowledged_s]) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.entries[prediction_id] = entry
        return entry

    def count(self, status: str) -> None:
        with self._lock:
            self.attempts[status] += 1

    def read(self, entry: Entry, body: bytes) -> None:
        """Note a final answer; from the second time on it is compared."""
        if entry.answer is None:
            entry.answer, entry.answered_s = body, time.time()
        elif entry.answer != body:
            entry.changed = True

    def pending(self, before_s: float = float("inf")) -> list[Entry]:
        """Return what was acknowledged before that time and has no answer yet, oldest first."""
        with self._lock:
            entries = list(self.entries.values())
        return [entry for entry in entries if entry.answer is None and entry.acknowledged_s < before_s]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ledger's check, as Jepsen's for a queue."""

    attempted: int
    refused: int
    acknowledged: int
    answered: int
    failed: int
    lost: int
    doubled: int
    changed: int
    wrong: int

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.changed or self.wrong)


def check(ledger: Ledger, predictions_by_mark: Counter[str]) -> Verdict:
    """Return what the ledger comes to; the counter tells how many predictions each drawing has in the end."""
    entries = list(ledger.entries.values())
    answered = [entry for entry in entries if entry.answer is not None]
    failed = [entry for entry in answered if entry.failed()]
    return Verdict(
        attempted=sum(ledger.attempts.values()),
        refused=ledger.attempts["429"] + ledger.attempts["503"],
        acknowledged=len(entries),
        answered=len(answered) - len(failed),
        failed=len(failed),
        lost=len(entries) - len(answered),
        doubled=sum(count > 1 for count in predictions_by_mark.values()),
        changed=sum(entry.changed for entry in answered),
        wrong=sum(not entry.is_right() and not (entry.failed() and entry.may_fail) for entry in answered),
    )
