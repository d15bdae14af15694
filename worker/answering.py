"""From jobs to predictions: a batch's way through the model, and the search for the job that breaks it."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.contract import NAMES, SIDE, Job, Prediction, State, now_ms
from worker.attempts import Attempts
from worker.classifier import checked
from worker.counts import BATCH_PICTURES

log = logging.getLogger(__name__)

EMPTY = np.zeros((1, SIDE, SIDE), np.uint8)

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (n, 28, 28) ink -> (n, 10) probabilities
Keep = Callable[[Sequence[Prediction]], object]  # returns when they are durable


class Model(Protocol):
    """The port to the model.

    Attributes:
        classify: (n, 28, 28) ink, 0 to 255 -> (n, 10) probabilities; what they lack of 1 is "not a digit".
        version: told with each prediction.
        threshold: the confidence, 0 to 1, below which a prediction is unsure.
    """

    @property
    def classify(self) -> Classify: ...  # noqa: D102 - the class docstring says it
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def threshold(self) -> float: ...  # noqa: D102


class Arrival(NamedTuple):
    """A job that waits for the model, and when the worker got it (seconds, monotonic; milliseconds since 1970)."""

    job: Job
    received_s: float
    received_ms: int
    redelivered: bool = False  # Redis has handed it out before


class Classified(NamedTuple):
    """What one model call said of one job: ten probabilities a picture, or why it could not."""

    probabilities: list[list[float]] | Exception
    batch_size: int
    began_s: float
    ended_s: float


class Answering:
    """The worker's one stage that touches the model; a Batcher calls it, in one thread."""

    def __init__(self, model: Model, attempts: Attempts, *, keep: Keep, worker: str, max_attempts: int) -> None:
        self._model = model
        self._attempts = attempts
        self._keep = keep
        self._worker = worker
        self._max_attempts = max_attempts
        self._called_s: float | None = None

    def call_s(self) -> float:
        """Return for how many seconds the present model call has lasted; 0 between calls."""
        called = self._called_s
        return 0.0 if called is None else time.monotonic() - called

    def answer(self, arrivals: Sequence[Arrival]) -> list[Prediction]:
        """Return a done or failed prediction for each arrival, in their order."""
        counts = self._attempts.begin([arrival.job.id for arrival in arrivals])
        fresh = [arrival for arrival in arrivals if counts[arrival.job.id] <= 1]
        suspects = sorted((one for one in arrivals if counts[one.job.id] > 1), key=lambda one: counts[one.job.id])
        if suspects:  # before the call for the others: one of these may end the process
            self._attempts.withdraw([arrival.job.id for arrival in suspects])
        predictions = {
            arrival.job.id: self._prediction(arrival, classified, 1)
            for arrival, classified in zip(fresh, self._classify([arrival.job for arrival in fresh]), strict=True)
        }
        predictions |= self._answer_suspects(suspects, list(predictions.values()))
        return [predictions[arrival.job.id] for arrival in arrivals]

    def _answer_suspects(self, suspects: Sequence[Arrival], answered: Sequence[Prediction]) -> dict[str, Prediction]:
        """Answer jobs whose last model call never ended, each by itself, so that no neighbour is blamed for it.

        The least suspected come first: whoever stands behind a job that kills the process waits for all its attempts.
        Each answer is kept before the next call, which may end the process.
        """
        predictions: dict[str, Prediction] = {}
        for suspect in suspects:
            if answered:
                self._keep(answered)
            answered = [self._answer_alone(suspect)]
            predictions[suspect.job.id] = answered[0]
        return predictions

    def _answer_alone(self, suspect: Arrival) -> Prediction:
        attempt = self._attempts.begin([suspect.job.id])[suspect.job.id]
        if attempt > self._max_attempts:
            log.error("job %s given up after %d attempts", suspect.job.id, self._max_attempts)
            now = time.monotonic()
            error = RuntimeError(f"the model's process ended {self._max_attempts} times while it read this drawing")
            return self._prediction(suspect, Classified(error, 0, now, now), self._max_attempts)
        classified = self._classify([suspect.job])[0]
        self._attempts.withdraw([suspect.job.id])  # its answer may wait for the store while its message comes again
        return self._prediction(suspect, classified, attempt)

    def _classify(self, jobs: Sequence[Job]) -> list[Classified]:
        """Classify the jobs in one call; if it raises, split them until only the guilty one fails.

        Raises:
            Exception: the model's own, when it reads not even an empty picture any more, as after its GPU is lost: that
                is nobody's fault, and the process has to go.
        """
        if not jobs:
            return []
        pictures = _stack(jobs)
        began = time.monotonic()
        try:
            probabilities = self._call(pictures)
        except MemoryError:
            raise  # nobody's fault: the process has to go
        except Exception as error:
            if len(jobs) == 1:
                self._call(EMPTY)
                log.exception("job %s breaks the model", jobs[0].id)
                return [Classified(error, len(pictures), began, time.monotonic())]
            half = len(jobs) // 2
            return self._classify(jobs[:half]) + self._classify(jobs[half:])
        ended = time.monotonic()
        BATCH_PICTURES.observe(len(pictures))
        # All in one go: NumPy's calls for each job were a quarter of what is done for it here.
        rows: Iterator[list[float]] = iter(probabilities.astype(float).round(6).tolist())
        return [Classified(list(islice(rows, len(job.pictures))), len(pictures), began, ended) for job in jobs]

    def _call(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._called_s = time.monotonic()
        try:
            return checked(self._model.classify(pictures), len(pictures))
        finally:
            self._called_s = None

    def _prediction(self, arrival: Arrival, classified: Classified, attempts: int) -> Prediction:
        job = arrival.job
        return Prediction(
            id=job.id,
            pictures=job.pictures,
            accepted_ms=job.accepted_ms,
            finished_ms=max(now_ms(), job.accepted_ms),
            **_outcome(classified.probabilities, self._model.threshold),
            model_version=self._model.version,
            worker=self._worker,
            batch_size=classified.batch_size,
            attempts=attempts,
            stage_ms={
                "queued": max(0, arrival.received_ms - job.accepted_ms),
                "waited": round(1000 * (classified.began_s - arrival.received_s), 3),
                "classified": round(1000 * (classified.ended_s - classified.began_s), 3),
            },
        )


def _outcome(rows: list[list[float]] | Exception, threshold: float) -> dict[str, Any]:
    """Return the fields of a prediction that tell what the model made of a job's pictures."""
    if isinstance(rows, Exception):
        return {"state": State.FAILED, "error": f"the drawing could not be classified: {rows}"}
    best = [max(row) for row in rows]
    return {
        "state": State.DONE,
        "digits": "".join(NAMES[row.index(most)] for row, most in zip(rows, best, strict=True)),
        "probabilities": tuple(map(tuple, rows)),
        "confidence": round(math.prod(best), 6),
        "unsure": any(p < threshold for p in best),
    }


def _stack(jobs: Sequence[Job]) -> NDArray[np.uint8]:
    """Return all pictures of the jobs, uint8 (n, 28, 28)."""
    ink = b"".join(picture for job in jobs for picture in job.pictures)
    return np.frombuffer(ink, np.uint8).reshape(-1, SIDE, SIDE)
