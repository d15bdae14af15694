"""Where a worker's parts are put together."""

import logging
import signal
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps, signals
from redis import RedisError

from shared.batcher import Batcher
from shared.contract import CLASSIFY
from shared.queue import SubmitError, make_celery, redis_client, submitter
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError
from worker.answering import Answering, Model
from worker.attempts import Attempts
from worker.events import EventsTogether
from worker.keeping import Keeping
from worker.sweeper import PERIOD_S, Sweeper
from worker.tally import Tally
from worker.task import handler, leave
from worker.unanswered import Unanswered
from worker.watch import LoopTick, Watch

log = logging.getLogger(__name__)

PURGE_S = 3600
STOP_S = 30.0  # less than any supervisor of ours waits before it kills


class HangUp(bootsteps.StartStopStep):
    """Makes SIGHUP stop the worker in peace, and do nothing under nohup; Celery would try to restart it, and fail."""

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # before Celery's own handler

    def start(self, parent: Any) -> None:  # noqa: ARG002 - Celery passes it
        """Take the place of Celery's handler."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN if self._is_nohup else signal.getsignal(signal.SIGTERM))


class Worker:
    """One worker process: Celery fetches messages, the model's thread answers them, the store keeps the answers."""

    def __init__(self, settings: Settings, model: Model, store: Store, *, name: str, stop_s: float = STOP_S) -> None:
        self._settings = settings
        self._model = model
        self._store = store
        self._name = name
        self._stop_s = stop_s
        self._redis = redis_client(settings)
        self._tally = Tally(model.version)
        attempts = Attempts(self._redis)
        self._keeping = Keeping(store, self._redis, attempts)
        self._answering = Answering(
            model, attempts, keep=self._keeping.keep, worker=name, max_attempts=settings.max_attempts
        )
        unanswered = Unanswered(self._answering.answer, self._keeping.kept, settings.visibility_s)
        self._answers = Batcher(unanswered.answer, limit=settings.batch_limit, name="model")
        self._kept = Batcher(self._keeping.keep, limit=4 * settings.batch_limit, name="store")
        self._celery = self._make_celery()

    def _make_celery(self) -> Celery:
        app = make_celery(self._settings)
        app.task(name=CLASSIFY)(handler(self._answers, self._kept, self._tally))
        app.steps["worker"].add(HangUp)
        app.steps["consumer"].update({LoopTick, EventsTogether})
        return app

    def run(self, beat: Path | None) -> int:
        """Work until SIGTERM or SIGINT, then finish what is held; return the exit status."""
        signals.worker_shutting_down.connect(self._stop, weak=False)
        Watch(self._redis, self._answering.call_s, self._about).start(self._name, self._settings.hang_s, beat)
        threading.Thread(target=self._sweep, name="sweeper", daemon=True).start()
        celery_worker = self._celery.Worker(
            hostname=self._name,
            without_gossip=True,
            without_mingle=True,
            loglevel="INFO",  # Celery sets the level of all logs, not of its own alone
        )
        celery_worker.start()
        self._store.close()
        return int(celery_worker.exitcode or 0)

    def _stop(self, **_: object) -> None:
        """Let what is held be finished, but not for ever: Celery waits without end for a Redis that hangs."""
        self._keeping.stop()
        late = threading.Timer(self._stop_s, leave, [f"it was told to stop {self._stop_s:.0f} s ago"])
        late.daemon = True
        late.start()

    def _about(self) -> dict[str, Any]:
        """Return what a live worker tells of itself."""
        return {"model_version": self._model.version, "batch_limit": self._settings.batch_limit, **self._tally.about()}

    def _sweep(self) -> None:
        sweeper = Sweeper(
            self._store,
            self._redis,
            submitter(self._celery),
            worker=self._name,
            visibility_s=self._settings.visibility_s,
        )
        purge_s = time.monotonic()
        while True:
            try:
                sweeper.sweep()
                if time.monotonic() >= purge_s:
                    self._store.purge()
                    purge_s = time.monotonic() + PURGE_S
            except RedisError as error:
                log.warning("sweeping later, Redis is away: %s", error)
            except (SubmitError, StoreUnavailableError) as error:
                log.warning("sweeping later: %s", error)
            except Exception:
                log.exception("sweeping later")  # the promise rests on this thread: nothing may end it
            time.sleep(PERIOD_S)
