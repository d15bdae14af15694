"""How both databases keep a prediction: the answer's details as one JSON text that is only ever read whole."""

import json
import logging
from functools import lru_cache
from typing import Any, NamedTuple

from shared.contract import ContractError, Job, Prediction, State, pictures_in

log = logging.getLogger(__name__)

DETAILS = ("confidence", "unsure", "error", "model_version", "worker", "batch_size", "attempts", "stage_ms")


class Record(NamedTuple):
    """One row of mnist1 as a database gives it, None where nothing was written yet.

    Attributes:
        pictures: all pictures of the job, one after another.
        answer: the JSON text that answer_of made.
    """

    id: str
    digits: str | None
    accepted_ms: int
    pictures: bytes
    finished_ms: int | None
    answer: str | None
    label: str | None


def answer_of(prediction: Prediction) -> str:
    """Return the JSON text that keeps what an answer adds, besides digits and finished_ms.

    Raises:
        ValueError: for a prediction that is no answer yet.
    """
    if prediction.state is State.QUEUED or prediction.finished_ms is None:
        raise ValueError(f"prediction {prediction.id} is not finished")
    details = {name: getattr(prediction, name) for name in DETAILS}
    return json.dumps({"state": prediction.state, "probabilities": prediction.probabilities, **details})


def prediction_of(record: Record) -> Prediction:
    """Return the prediction that the record keeps."""
    job = (record.id, pictures_in(record.pictures), record.accepted_ms)
    if record.answer is None:
        return Prediction(*job, label=record.label)
    answer: dict[str, Any] = json.loads(record.answer)
    details = {name: answer[name] for name in DETAILS if name in answer}  # a neighbouring version keeps more, or less
    return Prediction(
        *job,
        state=State(answer["state"]),
        finished_ms=record.finished_ms,
        digits=record.digits or "",
        probabilities=tuple(tuple(row) for row in answer["probabilities"]),
        label=record.label,
        **details,
    )


def unfinished_job(job_id: str, pictures: bytes, accepted_ms: int) -> Job | None:
    """Return the job of an unfinished row; None where it makes none, so that one such row holds up no other."""
    try:
        return Job(job_id, pictures_in(pictures), accepted_ms)
    except ContractError as error:
        _pass_over(job_id, str(error))
        return None


@lru_cache(1000)  # told once, though it is looked at every few seconds
def _pass_over(job_id: str, reason: str) -> None:
    log.warning("unfinished job %s is passed over: %s; a DELETE of its prediction removes it", job_id, reason)
