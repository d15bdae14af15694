"""The shapes of what the interface takes and gives."""

from base64 import b64encode
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from shared.contract import Prediction


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


class Drawing(BaseModel, extra="forbid"):
    """A drawing in JSON."""

    image: str = Field(strict=True, description="a data URL, data:image/png;base64,...")


class Label(BaseModel, extra="forbid"):
    """A person's correction."""

    digit: int = Field(strict=True, ge=0, le=9)


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
    def of(cls, prediction: Prediction) -> "PredictionView":
        """Return the view of a prediction."""
        return cls(
            id=prediction.id,
            state=prediction.state,
            accepted_at=_time(prediction.accepted_ms),
            finished_at=_time(prediction.finished_ms),
            digits=prediction.digits,
            digit=int(prediction.digits) if len(prediction.digits) == 1 else None,
            probabilities=prediction.probabilities,
            confidence=prediction.confidence,
            unsure=prediction.unsure,
            pictures=[b64encode(picture).decode() for picture in prediction.pictures],
            model_version=prediction.model_version,
            worker=prediction.worker,
            batch_size=prediction.batch_size,
            attempts=prediction.attempts,
            stage_ms=prediction.stage_ms,
            error=prediction.error,
            label=prediction.label,
        )
