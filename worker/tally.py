"""What this worker does, counted while it does it, for whoever watches."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from shared.contract import Prediction
from shared.rate import Rate


class Tally:
    """The counts of one worker process.

    Attributes:
        batch_size: pictures in the last model call.
    """

    def __init__(self) -> None:
        self.batch_size = 0
        self._held = 0
        self._answered = 0
        self._rate = Rate()
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, jobs: int) -> Generator[None]:
        """Count the jobs of a message while it is neither answered nor given back."""
        with self._lock:
            self._held += jobs
        try:
            yield
        finally:
            with self._lock:
                self._held -= jobs

    def answered(self, predictions: Sequence[Prediction]) -> None:
        """Count answers that are durable."""
        with self._lock:
            self._answered += len(predictions)
        self.batch_size = predictions[-1].batch_size

    def about(self) -> dict[str, Any]:
        """Return the counts for the status page, as WORKER_KEY keeps them."""
        rate = round(self._rate.per_s(self._answered), 2)
        return {"batch_size": self.batch_size, "held": self._held, "rate_per_s": rate}
