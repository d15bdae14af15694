"""What web, worker and store agree on: names, jobs, predictions. Standard library only."""

import binascii
import re
import time
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

SIDE = 28  # a picture's side, pixels
PICTURE_BYTES = SIDE * SIDE
NAMES = "0123456789"  # of the classes, one character each
CLASSES = len(NAMES)
MAX_PICTURES = 8  # of one job: the longest number that one drawing may hold
MAX_JOBS = 64  # of one message
QUEUE = "quill"
CLASSIFY = "quill.classify"  # the task's name: web submits by it, worker registers it
MESSAGE_VERSION = 1
ID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID in its canonical form
LATEST_MS = 253_402_300_800_000  # the end of the year 9999: every database and calendar knows times before it

_ID = re.compile(ID_PATTERN)


class ContractError(ValueError):
    """Raised when a message or a job breaks the agreement; the text says how."""


class State(StrEnum):
    """What became of a job, as far as is known."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


def new_id() -> str:
    """Return a fresh job id: a random UUID, which also is the right to read the job's prediction."""
    return str(uuid.uuid4())


def is_id(text: object) -> bool:
    """Tell whether text is a UUID in its canonical lower-case form."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def now_ms() -> int:
    """Return the milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """One drawing's pictures waiting to be classified.

    Attributes:
        id: a UUID, known to the client.
        pictures: 1 to MAX_PICTURES pictures, left to right, each SIDE x SIDE bytes row by row, 0 paper to 255 ink.
        accepted_ms: when web accepted it, milliseconds since 1970 UTC.
    """

    id: str
    pictures: tuple[bytes, ...]
    accepted_ms: int

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise ContractError("a job's id is a UUID in lower case")
        if not 1 <= len(self.pictures) <= MAX_PICTURES:
            raise ContractError(f"a job has 1 to {MAX_PICTURES} pictures")
        if any(len(picture) != PICTURE_BYTES for picture in self.pictures):
            raise ContractError(f"a picture has {PICTURE_BYTES} bytes")
        if type(self.accepted_ms) is not int or not 0 <= self.accepted_ms < LATEST_MS:
            raise ContractError("accepted_ms is a count of milliseconds")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The record of a job: first queued, then done or failed, and never anything else after that.

    Attributes:
        pictures: what the model saw, as in Job.
        finished_ms: when the worker had the answer, milliseconds since 1970 UTC.
        digits: the answer as text, one character a picture, as in the seed.
        probabilities: ten a picture, each 0 to 1.
        confidence: the calibrated probability that digits is right, 0 to 1.
        unsure: whether the model would rather not say.
        error: why the job failed, in words for the person who drew.
        worker: the name of the worker that answered.
        batch_size: pictures in the model call that answered.
        attempts: how often a model call was begun for this job.
        stage_ms: milliseconds in each stage, by the stage's name, in the order in which they were passed.
        label: the person's correction, text as digits; empty for no digit, None without one.
    """

    id: str
    pictures: tuple[bytes, ...]
    accepted_ms: int
    state: State = State.QUEUED
    finished_ms: int | None = None
    digits: str = ""
    probabilities: tuple[tuple[float, ...], ...] = ()
    confidence: float = 0.0
    unsure: bool = False
    error: str | None = None
    model_version: str = ""
    worker: str = ""
    batch_size: int = 0
    attempts: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    label: str | None = None


def pictures_in(ink: bytes) -> tuple[bytes, ...]:
    """Return the pictures that lie one after another in ink, as messages and stores keep a job's."""
    return tuple(ink[start : start + PICTURE_BYTES] for start in range(0, len(ink), PICTURE_BYTES))


def to_message(jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the JSON object that carries 1 to MAX_JOBS jobs through Redis."""
    if not 1 <= len(jobs) <= MAX_JOBS:
        raise ContractError(f"a message carries 1 to {MAX_JOBS} jobs")
    return {
        "version": MESSAGE_VERSION,
        "jobs": [
            {"id": job.id, "accepted_ms": job.accepted_ms, "ink": b64encode(b"".join(job.pictures)).decode()}
            for job in jobs
        ],
    }


def from_message(message: object) -> list[Job]:
    """Return the jobs of a message that anybody with access to Redis may have written.

    Raises:
        ContractError: for anything that to_message does not make.
    """
    if not isinstance(message, dict):
        raise ContractError("a message is a JSON object")
    fields = cast("dict[str, object]", message)
    entries = fields.get("jobs")
    if fields.get("version") != MESSAGE_VERSION:
        raise ContractError(f"a message has version {MESSAGE_VERSION}")
    if not isinstance(entries, list) or not 1 <= len(cast("list[object]", entries)) <= MAX_JOBS:
        raise ContractError(f"a message carries 1 to {MAX_JOBS} jobs")
    return [_job_from(entry) for entry in cast("list[object]", entries)]


def _job_from(entry: object) -> Job:
    if not isinstance(entry, dict):
        raise ContractError("a job is a JSON object")
    fields = cast("dict[str, Any]", entry)
    try:
        pictures = pictures_in(b64decode(fields["ink"], validate=True))
        return Job(fields["id"], pictures, fields["accepted_ms"])
    except (KeyError, TypeError, binascii.Error) as error:
        raise ContractError("a job has id, accepted_ms and ink in base64") from error
    except ValueError as error:
        raise ContractError(str(error)) from error
