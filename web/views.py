"""The shapes of what the interface takes and gives."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from shared.contract import Prediction


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


class Drawing(BaseModel, extra="forbid"):
    """A drawing in JSON."""

    image: str = Field(strict=True, description="a data URL, data:image/png;base64,...")


class Label(BaseModel, extra="forbid"):
    """A person's correction."""

    digit: int = Field(strict=True, ge=0, le=9)


Cursor = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}_[0-9a-f-]{36}$")]  # accepted_ms and id


class Wait(BaseModel):
    """How long a client would like to wait for an answer."""

    wait: int = Field(default=0, ge=0, description="seconds, of which 30 are granted at most")


class Page(BaseModel):
    """Which part of the history is asked for."""

    limit: int = Field(default=20, ge=1, le=100, description="most predictions in one answer")
    before: Cursor | None = Field(default=None, description="a place in the history, as `next` of a page tells it")


class PredictionView(BaseModel):
    """A prediction as clients see it; Prediction says what the fields mean."""

    id: str
    state: str
    accepted_at: datetime | None
    finished_at: datetime | None
    digits: str
    digit: int | None = Field(description="the digit, when the drawing holds exactly one")
    probabilities: tuple[tuple[float, ...], ...]
    confidence: float
    unsure: bool
    pictures: list[str] = Field(description="what the model saw: 784 bytes each in base64, 0 paper to 255 ink")
    model_version: str
    worker: str
    batch_size: int
    attempts: int
    stage_ms: dict[str, float]
    error: str | None
    label: int | None

    @classmethod
    def of(cls, prediction: Prediction, **more: object) -> Self:
        """Return the view of a prediction, with the fields that a view adds to those of this one."""
        fields = {
            "id": prediction.id,
            "state": prediction.state,
            "accepted_at": _time(prediction.accepted_ms),
            "finished_at": _time(prediction.finished_ms),
            "digits": prediction.digits,
            "digit": int(prediction.digits) if len(prediction.digits) == 1 else None,
            "probabilities": prediction.probabilities,
            "confidence": prediction.confidence,
            "unsure": prediction.unsure,
            "pictures": [b64encode(picture).decode() for picture in prediction.pictures],
            "model_version": prediction.model_version,
            "worker": prediction.worker,
            "batch_size": prediction.batch_size,
            "attempts": prediction.attempts,
            "stage_ms": prediction.stage_ms,
            "error": prediction.error,
            "label": prediction.label,
        }
        return cls.model_validate(fields | more)


class AcceptedView(PredictionView):
    """A prediction at the moment when its drawing was accepted."""

    queued_behind: int | None = Field(description="drawings that were accepted before and still wait, null if unknown")


class HistoryView(BaseModel):
    """A page of the history, newest first."""

    predictions: list[PredictionView]
    next: str | None = Field(description="the `before` of the next page, null on the last one")


class WorkerView(BaseModel):
    """What a live worker tells of itself every second."""

    name: str
    model_version: str
    batch_limit: int = Field(description="most pictures in one model call")
    batch_size: int = Field(description="pictures in its last model call")
    held: int = Field(description="drawings that it has taken and not answered")
    rate_per_s: float = Field(description="drawings that it answers a second, lately")


class StatusView(BaseModel):
    """How the service does at this moment."""

    backlog: int | None = Field(description="drawings accepted and not finished, null if unknown")
    oldest_s: float | None = Field(description="for how many seconds the oldest of them has waited, null if none does")
    rate_per_s: float = Field(description="drawings finished a second by all workers, lately")
    workers: list[WorkerView]
    store: str = Field(description="ok, or what is wrong")
    queue: str = Field(description="ok, or what is wrong")
