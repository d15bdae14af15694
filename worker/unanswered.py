"""Keeps jobs that have their answer away from the model: under a backlog, what Redis hands out twice would multiply."""

import time
from collections.abc import Callable, Collection, Sequence

from shared.contract import Prediction
from worker.answering import Arrival

Answer = Callable[[Sequence[Arrival]], Sequence[Prediction]]
Answered = Callable[[Collection[str]], Collection[str]]  # of these ids, those whose answers are durable


class Unanswered:
    """Stands before the model's stage; a Batcher calls it, in one thread.

    Redis hands a message out again when it has waited here longer than the visibility timeout, and its jobs would be
    classified twice. So the store is asked before the model, but only about jobs that may have their answer: those
    handed out again, and those that have waited here for as long.
    """

    def __init__(self, answer: Answer, answered: Answered, visibility_s: int) -> None:
        self._answer = answer
        self._answered = answered
        self._visibility_s = visibility_s

    def answer(self, arrivals: Sequence[Arrival]) -> list[Prediction | None]:
        """Return the predictions in the order of the arrivals, None for one whose answer is durable already."""
        late_s = time.monotonic() - self._visibility_s
        doubtful = [one.job.id for one in arrivals if one.redelivered or one.received_s < late_s]
        done = self._answered(doubtful) if doubtful else ()
        left = [one for one in arrivals if one.job.id not in done]
        predictions = {one.id: one for one in self._answer(left)}
        return [predictions.get(one.job.id) for one in arrivals]
