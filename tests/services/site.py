"""The web application in the test's own process: a real store and a real Redis, the queue a list."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.contract import NAMES, Job, Prediction, State, now_ms
from shared.queue import DONE_CHANNEL, redis_client
from shared.reader import read_here
from shared.reading import Reading
from shared.settings import Settings
from shared.store import open_store
from tests.services.pngs import SEVEN
from tests.services.process import wait_until
from web.admission import Admission
from web.app import create_app
from web.parts import Parts
from web.shares import Shares

NOBODY = "00000000-0000-4000-8000-000000000000"  # the id of no prediction


def _read_at_once(pngs: Sequence[bytes]) -> Reading:
    reading: Reading = Future()
    reading.set_result(read_here(pngs))
    return reading


class Site:
    """A web application to which a test talks without a port, whose worker the test is, and whose minute never ends.

    Attributes:
        client: Flask's test client.
        sent: the jobs that were submitted so far, in order.
        on_submit: called with jobs as they are submitted; a test sets it to be quicker than its own client.
    """

    def __init__(self, folder: Path, redis: str, /, **settings: object) -> None:
        given: dict[str, Any] = {"redis_url": redis, "store_url": f"sqlite:///{folder}/quill.db"} | settings
        self.settings = Settings(**given)
        self.store = open_store(self.settings)
        self.redis = redis_client(self.settings)
        self.sent: list[Job] = []
        self.on_submit: Callable[[Sequence[Job]], object] = lambda _: None
        self.app = create_app(self.settings, store=self.store, submit=self._submit, read=_read_at_once)
        self.client = self.app.test_client()
        parts: Parts = self.app.extensions["quill"]
        self._backlog = parts.backlog
        self._backlog.close()  # a test says when
        shares = Shares(self.settings.client_limit, clock=lambda: 59.5)  # no test meets a new minute
        admission = Admission(self._backlog, shares, backlog_limit=self.settings.backlog_limit)
        replace(parts, admission=admission).install(self.app)
        self.measure()

    def _submit(self, jobs: Sequence[Job]) -> None:
        self.sent.extend(jobs)
        self.on_submit(jobs)

    def measure(self) -> None:
        """Let the site look how much waits, as it else does each second."""
        self._backlog.measure()

    def wait_for_sent(self, count: int) -> list[Job]:
        """Return the jobs that were submitted once they are so many: a job is submitted after it was answered for."""
        wait_until(lambda: len(self.sent) >= count, f"{count} jobs are submitted")
        return self.sent

    def draw(self, **headers: str) -> dict[str, Any]:
        """Send a drawing of a seven; return the prediction as it was answered."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.client.post("/api/v1/predictions", data=SEVEN, content_type="image/png", headers=named)
        assert response.status_code in {200, 202}, response.text
        return response.get_json()

    def finish(self, prediction_id: str, digits: str = "7", **fields: Any) -> Prediction:
        """Answer a job as a worker does: durable first, then the hint."""
        job = self.store.get([prediction_id])[prediction_id]
        sure = tuple(tuple(float(digit == name) for name in NAMES) for digit in digits)
        done = {
            "state": State.DONE,
            "finished_ms": now_ms(),
            "digits": digits,
            "probabilities": sure,
            "confidence": 1.0,
        }
        prediction = replace(job, **(done | {"model_version": "test-1", "worker": "w", "batch_size": 1} | fields))
        self.store.finish([prediction])
        self.redis.publish(DONE_CHANNEL, json.dumps([prediction_id]))
        return prediction

    def answer_at_once(self, digits: str = "7", **fields: Any) -> None:
        """Be a worker that is quicker than whoever submits from now on."""
        self.on_submit = lambda jobs: [self.finish(job.id, digits, **fields) for job in jobs]

    def close(self) -> None:
        """Give back files and connections."""
        self.store.close()
        self.redis.close()
