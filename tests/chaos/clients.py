"""Clients: they draw, half of the drawings under a key by which they ask again, and look for answers."""

import itertools
import logging
import threading
import time
from collections.abc import Iterator

import requests

from tests.chaos.drawings import Drawing, classify_as_stub, draw
from tests.chaos.ledger import Entry, Ledger
from worker.answering import Classify

log = logging.getLogger(__name__)

ANSWER_S = 15  # no request may take longer, whatever is broken
THREADS = 6
LOOK_S = 0.25


class Clients:
    """Threads that draw, and one that looks.

    Attributes:
        rate_per_s: drawings a second, all clients together; 0 rests.
        slowest_s: the longest that any request has taken.
    """

    def __init__(self, address: str, ledger: Ledger, first: int, classify: Classify = classify_as_stub) -> None:
        self.address = address
        self._classify = classify
        self.ledger = ledger
        self.rate_per_s = 0.0
        self.slowest_s = 0.0
        self._numbers: Iterator[int] = itertools.count(first)
        self._ending = threading.Event()
        self._next_s = time.monotonic()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._draw, daemon=True) for _ in range(THREADS)]
        self._threads.append(threading.Thread(target=self._look, daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def new_drawing(self) -> Drawing:
        """Return a drawing that nobody has sent."""
        with self._lock:
            return draw(next(self._numbers), self._classify)

    def send(
        self, drawing: Drawing, *, keyed: bool = True, may_fail: bool = False, patience_s: float = 60
    ) -> Entry | None:
        """Send until it is acknowledged or refused; a client that hears nothing asks again if it has a key."""
        deadline = time.monotonic() + patience_s
        with requests.Session() as session:
            while time.monotonic() < deadline and not self._ending.is_set():
                status, prediction_id = self._post(session, drawing, keyed=keyed)
                if prediction_id:
                    return self.ledger.acknowledge(drawing, prediction_id, may_fail=may_fail)
                if not keyed or status in {"503", "429"}:
                    return None
                time.sleep(0.5)
        return None

    def send_surely(self, drawing: Drawing, *, may_fail: bool = False) -> Entry:
        """Send until it is acknowledged."""
        while not (entry := self.send(drawing, may_fail=may_fail)):
            time.sleep(0.5)
        return entry

    def _post(self, session: requests.Session, drawing: Drawing, *, keyed: bool) -> tuple[str, str | None]:
        headers = {"Content-Type": "image/png"} | ({"Idempotency-Key": f"drawing-{drawing.mark}"} if keyed else {})
        began = time.monotonic()
        try:
            answer = session.post(
                f"{self.address}/api/v1/predictions", data=drawing.png, headers=headers, timeout=ANSWER_S
            )
        except requests.Timeout:
            log.warning("    a request hung")
            self.ledger.count("hung")
            return "hung", None
        except requests.RequestException:
            self.ledger.count("cut off")
            return "cut off", None
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.ledger.count(str(answer.status_code))
        return str(answer.status_code), answer.json()["id"] if answer.status_code == 202 else None

    def _draw(self) -> None:
        while not self._ending.is_set():
            if self._my_turn():
                drawing = self.new_drawing()
                self.send(drawing, keyed=drawing.number % 2 > 0)
            else:
                self._ending.wait(0.02)

    def _my_turn(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if not self.rate_per_s or now < self._next_s:
                return False
            self._next_s = max(self._next_s, now - 1) + 1 / self.rate_per_s
            return True

    def _look(self) -> None:
        with requests.Session() as session:
            while not self._ending.wait(LOOK_S):
                for entry in self.ledger.pending():
                    if self._ending.is_set() or not self.look(session, entry):
                        break

    def look(self, session: requests.Session, entry: Entry) -> bool:
        """Read an answer if it is there; False when nobody answers at all."""
        try:
            answer = session.get(f"{self.address}/api/v1/predictions/{entry.id}", timeout=ANSWER_S)
        except requests.RequestException:
            return False
        if answer.status_code == 200 and answer.json()["state"] != "queued":
            self.ledger.read(entry, answer.content)
        return answer.status_code in {200, 404}
