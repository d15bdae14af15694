"""The shapes of what the interface takes and gives."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, Json, RootModel, model_validator
from pydantic_core import PydanticCustomError

from shared.contract import ID_PATTERN, MAX_PICTURES, NAMES, Prediction, State


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


DataUrl = Annotated[
    str,
    Field(strict=True, description="a drawing: data:image/png;base64,...", json_schema_extra={"format": "data-url"}),
]


class Drawing(BaseModel, extra="forbid"):
    """A drawing in JSON."""

    image: DataUrl


class DataUrlText(RootModel[DataUrl]):
    """A drawing as the seed's page sent it."""


class RawDrawing(BaseModel, extra="forbid"):
    """A drawing whose picture the client has made already."""

    picture: str = Field(strict=True, description="784 bytes in base64, 28 rows of 28, 0 paper to 255 ink")


class Drawings(BaseModel, extra="forbid"):
    """Many drawings; one that is none is refused in its place, not the whole."""

    drawings: list[Any] = Field(
        min_length=1,
        max_length=256,
        description='each `{"image": DATA_URL}`, or `{"picture": BASE64}`: 784 bytes, row by row, 0 paper to 255 ink',
    )


class Label(BaseModel, extra="forbid", json_schema_extra={"minProperties": 1, "maxProperties": 1}):
    """A person's correction: one of the two fields."""

    digit: int = Field(default_factory=int, strict=True, ge=0, le=9, description="the one digit that was drawn")
    digits: str = Field(
        default_factory=str,
        strict=True,
        pattern=f"^[{re.escape(NAMES)}]{{0,{MAX_PICTURES}}}$",
        description="all digits that were drawn, left to right; empty when it is no digit",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = len(self.model_fields_set)
        if given != 1:
            raise PydanticCustomError("too_long" if given else "missing", "Send either `digit` or `digits`")
        return self

    @property
    def text(self) -> str:
        """What was drawn, as the digits of a prediction."""
        return str(self.digit) if "digit" in self.model_fields_set else self.digits


CURSOR_PATTERN = f"^[0-9]{{1,15}}_{ID_PATTERN}$"  # accepted_ms and id


def _cursor(text: str) -> str:
    if not re.fullmatch(CURSOR_PATTERN, text):
        raise PydanticCustomError("cursor", "Copy it from `next` of the page before")
    return text


Cursor = Annotated[str, AfterValidator(_cursor), Field(json_schema_extra={"pattern": CURSOR_PATTERN})]


class Wait(BaseModel):
    """How long a client would like to wait for an answer."""

    wait: int = Field(default=0, ge=0, description="seconds, of which 30 are granted at most")


class Page(BaseModel):
    """Which part of the history is asked for."""

    limit: int = Field(default=20, ge=1, le=100, description="most predictions in one answer")
    before: Cursor = Field(
        default_factory=str, description="where to go on: `next` of the page before; without, the newest"
    )


class PredictionView(BaseModel):
    """A prediction: what became of a drawing, and how."""

    id: str = Field(description="a UUID; whoever knows it may read, correct and delete the prediction")
    state: State = Field(description="queued, then done or failed for good")
    accepted_at: datetime
    finished_at: datetime | None
    digits: str = Field(description="the answer, one character a digit, left to right; empty until done")
    digit: int | None = Field(description="the digit, when the drawing holds exactly one")
    probabilities: tuple[tuple[float, ...], ...] = Field(
        description="for each digit of the answer how likely each of 0 to 9 is; what lacks to 1 is `not a digit`"
    )
    confidence: float = Field(description="how likely the whole answer is right, 0 to 1")
    unsure: bool = Field(description="whether the model would rather not say")
    pictures: list[str] = Field(description="what the model saw: 784 bytes each in base64, 0 paper to 255 ink")
    model_version: str = Field(description="the model that answered")
    worker: str = Field(description="the worker that answered")
    batch_size: int = Field(description="pictures in the model call that answered")
    attempts: int = Field(description="model calls begun for this drawing")
    stage_ms: dict[str, float] = Field(description="milliseconds in each stage, in the order of the stages")
    error: str | None = Field(description="why it failed")
    label: str | None = Field(description="what a person said it is, written as `digits`; empty for no digit")

    @classmethod
    def of(cls, prediction: Prediction, **more: object) -> Self:
        """Return the view of a prediction, with the fields that a view adds to those of this one."""
        fields = {
            "id": prediction.id,
            "state": prediction.state,
            "accepted_at": _time(prediction.accepted_ms),
            "finished_at": None if prediction.finished_ms is None else _time(prediction.finished_ms),
            "digits": prediction.digits,
            "digit": int(prediction.digits) if re.fullmatch("[0-9]", prediction.digits) else None,
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


class EventView(BaseModel):
    """A server-sent event: the prediction as it is now."""

    event: Literal["prediction"] = "prediction"
    data: Json[PredictionView]


class HistoryView(BaseModel):
    """A page of the history, newest first."""

    predictions: list[PredictionView]
    next: str | None = Field(description="the `before` of the next page, null on the last one")


class WorkerView(BaseModel):
    """What a live worker tells of itself every second."""

    name: str
    model_version: str
    batch_limit: int = Field(description="most drawings in one model call, but for those of one message")
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


class ReadyView(BaseModel):
    """Whether each part that serving needs is there: ok, or what is wrong."""

    store: str
    queue: str
    worker: str
    model_versions: list[str] = Field(description="of the live workers")


class AliveView(BaseModel):
    """The process lives."""

    status: Literal["alive"] = "alive"


class DigitsView(RootModel[list[int]]):
    """The digits, left to right."""


class ProblemView(BaseModel):
    """A problem, as RFC 9457 has it."""

    type: str = Field(description="the kind of problem: the address of its page")
    title: str = Field(description="what is wrong, the same for each of this kind")
    status: int
    detail: str = Field(description="what is wrong this time, and what to do")
    instance: str = Field(description="the path that was called")


class RefusedView(BaseModel):
    """What stands in the place of a drawing that is none."""

    problem: ProblemView


class BatchView(BaseModel):
    """One entry for each drawing of a batch, in their order."""

    predictions: list[PredictionView | RefusedView]
