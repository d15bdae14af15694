"""Group commit: drawings that arrive while a write is under way are stored by the next write, together."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from shared.bad_image import BadImageError
from shared.batcher import Batcher
from shared.contract import MAX_JOBS, Job, now_ms
from shared.queue import Submit, SubmitError
from shared.reading import Reading
from shared.store import Store
from web.counts import ACCEPTED

log = logging.getLogger(__name__)

WRITE_LIMIT = 4 * MAX_JOBS  # jobs in one write
PAUSE_S = 1.0  # between attempts to submit while Redis is away


class Intake:
    """Accepts jobs: durable first, submitted right after.

    Two stages, so that a queue that is slow or away delays nobody's acceptance: the promise rests on the store. What
    Redis did not take is tried again here; should this process end meanwhile, the sweeper finds it in the store.
    """

    def __init__(self, store: Store, submit: Submit) -> None:
        self._store = store
        self._submit = submit
        self._closing = threading.Event()
        self._written = Batcher(self._write, limit=WRITE_LIMIT, name="intake")
        self._sent = Batcher(self._send, limit=MAX_JOBS, name="courier")

    def accept(self, jobs: Sequence[Job]) -> "Future[list[Job]]":
        """Return what holds the jobs once they are durable; with StoreUnavailableError nothing was promised."""
        return self._written.put(jobs)

    def accept_read(self, job_id: str, reading: Reading) -> "Future[list[Job]]":
        """Accept the one drawing of the reading as soon as it is read; as above, or with BadImageError it is none.

        The reader's thread hands it on: waking another thread for that would take longer than the work itself.
        """
        accepted: Future[list[Job]] = Future()

        def hand_on(read: Reading) -> None:
            try:
                self._written.put([job_read(job_id, read)], accepted)
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits
                accepted.set_exception(error)

        reading.add_done_callback(hand_on)
        return accepted

    def close(self) -> None:
        """Finish what waits; what Redis does not take now is left to the sweeper."""
        self._closing.set()
        self._written.close()
        self._sent.close()

    def _write(self, jobs: Sequence[Job]) -> Sequence[Job]:
        self._store.add(jobs)
        ACCEPTED.inc(len(jobs))
        durable_ms = now_ms()
        each = [{"job": job.id, "ms": durable_ms - job.accepted_ms, "together": len(jobs)} for job in jobs]
        log.info("accepted", extra={"each": each})
        for start in range(0, len(jobs), MAX_JOBS):
            self._sent.put(jobs[start : start + MAX_JOBS])
        return jobs

    def _send(self, jobs: Sequence[Job]) -> Sequence[None]:
        while True:
            try:
                self._submit(jobs)
            except SubmitError as error:
                log.warning("%d accepted jobs wait for Redis: %s", len(jobs), error)
                if not self._closing.wait(PAUSE_S):
                    continue
            except Exception:
                log.exception("%d accepted jobs are left to the sweeper", len(jobs))  # nobody waits for this future
            return [None] * len(jobs)


def job_read(job_id: str, reading: Reading) -> Job:
    """Return the job of the one drawing that is being read.

    Raises:
        BadImageError: when it is none; the text tells why.
    """
    (pictures,) = reading.result()
    if isinstance(pictures, BadImageError):
        raise pictures
    return Job(job_id, pictures, now_ms())
