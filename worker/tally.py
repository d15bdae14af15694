"""What this worker does, counted while it does it: for Prometheus, and for the status page."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from shared.contract import Prediction, State
from shared.rate import Rate
from worker.counts import CONFIDENCE, HELD_JOBS, PREDICTIONS, REDELIVERIES, STAGE_SECONDS

_predictions = cache(PREDICTIONS.labels)  # the library looks a label up in 2 us, for each drawing and stage
_stage_seconds = cache(STAGE_SECONDS.labels)


class Tally:
    """The counts of one worker process; the task's threads call it."""

    def __init__(self, model_version: str) -> None:
        for state in (State.DONE, State.FAILED):
            _predictions(state, model_version)  # 0 from the start: what appears with the first seems not to grow
        self._batch_size = 0
        self._held = 0
        self._answered = 0
        self._rate = Rate()
        self._lock = Lock()

    @contextmanager
    def holding(self, jobs: int, *, redelivered: bool) -> Generator[None]:
        """Count the jobs of a message while it is neither answered nor given back."""
        if redelivered:
            REDELIVERIES.inc(jobs)
        self._hold(jobs)
        try:
            yield
        finally:
            self._hold(-jobs)

    @contextmanager
    def storing(self) -> Generator[None]:
        """Time how long answers take to become durable."""
        began_s = time.monotonic()
        yield
        _stage_seconds("stored").observe(time.monotonic() - began_s)

    def answered(self, predictions: Sequence[Prediction]) -> None:
        """Count answers that are durable."""
        with self._lock:
            self._answered += len(predictions)
            self._batch_size = predictions[-1].batch_size
        for prediction in predictions:
            _predictions(prediction.state, prediction.model_version).inc()
            for stage, ms in prediction.stage_ms.items():
                _stage_seconds(stage).observe(ms / 1000)
            if prediction.state is State.DONE:
                CONFIDENCE.observe(prediction.confidence)

    def about(self) -> dict[str, Any]:
        """Return the counts for the status page, as WORKER_KEY keeps them."""
        rate = round(self._rate.per_s(self._answered), 2)
        return {"batch_size": self._batch_size, "held": self._held, "rate_per_s": rate}

    def _hold(self, jobs: int) -> None:
        with self._lock:
            self._held += jobs
            HELD_JOBS.set(self._held)
