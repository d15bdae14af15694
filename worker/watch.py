"""Tells that this worker makes progress, and ends the process when it does not."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import bootsteps
from redis import Redis, RedisError

from shared.queue import tell_alive
from worker.task import leave

log = logging.getLogger(__name__)

PERIOD_S = 1.0
STOPPED_S = 10.0  # since the last round: the whole process was stopped meanwhile
STALLED_S = 45.0  # without a tick while Redis answers; Celery pauses up to 30 s before it connects anew


class LoopTick(bootsteps.StartStopStep):
    """Notes that Celery's event loop turns: a worker that is alive and takes nothing must not pass as healthy.

    Celery starts it with each connection to Redis and stops it with its loss.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)
    last_s = time.monotonic()
    entry: Any = None  # of the timer, once started

    def start(self, parent: Any) -> None:
        """Tick from the loop's own timer."""
        self.entry = parent.timer.call_repeatedly(PERIOD_S, self._tick)

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery passes it
        """Let the timer go with its connection, which may have been lost before this step's turn to start."""
        if self.entry:
            self.entry.cancel()

    @classmethod
    def _tick(cls) -> None:
        LoopTick.last_s = time.monotonic()


class Watch:
    """A thread that looks after the process once a second."""

    def __init__(
        self,
        redis: Redis,
        call_s: Callable[[], float],
        about: Callable[[], dict[str, Any]],
        *,
        stalled_s: float = STALLED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._call_s = call_s
        self._about = about
        self._most_stalled_s = stalled_s
        self._clock = clock
        self._redis_since_s: float | None = None  # since when Redis has answered without a break
        self._looked_s = self._woken_s = clock()  # woken: last stopped and gone on; a process is not to blame for that

    def start(self, name: str, hang_s: float, beat: Path | None) -> None:
        """Watch until the process ends."""
        threading.Thread(target=self._run, args=(name, hang_s, beat), name="watch", daemon=True).start()

    def _run(self, name: str, hang_s: float, beat: Path | None) -> None:
        while True:
            if fault := self.fault(name, hang_s):
                leave(fault)
            if beat:
                self._beat(beat)
            time.sleep(PERIOD_S)

    def fault(self, name: str, hang_s: float) -> str | None:
        """Look after the process once, and tell that it lives; return why it has to end, None while it may go on."""
        now_s = self._clock()
        if now_s - self._looked_s > STOPPED_S:
            self._woken_s = now_s
        self._looked_s = now_s
        if min(self._call_s(), now_s - self._woken_s) > hang_s:
            return f"the model has not answered for {hang_s:.0f} s"
        self._tell(name, now_s)
        if self._stalled_s(now_s) > self._most_stalled_s:
            return f"Celery has taken nothing for {self._most_stalled_s:.0f} s although Redis answers"
        return None

    def _beat(self, file: Path) -> None:
        try:
            file.touch()
        except OSError as error:  # whoever looks at the file will act; this thread still has to look at the model
            log.warning("no beat: %s", error)

    def _tell(self, name: str, now_s: float) -> None:
        try:
            tell_alive(self._redis, name, self._about())
        except RedisError:
            self._redis_since_s = None
        else:
            self._redis_since_s = self._redis_since_s or now_s

    def _stalled_s(self, now_s: float) -> float:
        if self._redis_since_s is None:
            return 0.0
        return now_s - max(self._redis_since_s, LoopTick.last_s, self._woken_s)
