"""Many drawings in one request: one entry each, and a bad one spoils nothing but its own."""

from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Response, request

from shared.contract import Job, State
from web.accepting import accept, note_preference, preferred_wait_s
from web.admission import ADMISSION_PROBLEMS
from web.bodies import BODY_PROBLEMS, sent, valid
from web.describe import Answer, Call, describe
from web.drawings import job_from_picture, jobs_from_pngs, png_from_data_url
from web.idempotency import HEADER
from web.parts import parts
from web.problems import Problem, told
from web.views import BatchView, Drawing, Drawings, PredictionView, RawDrawing, RefusedView

ROOM = 4  # times the body of a single drawing: 256 drawings of Chromium's are 3 MB

routes = Blueprint("batch", __name__)


@routes.post("/api/v1/predictions/batch")
@describe(
    Call(
        [
            Answer(202, BatchView, headers=["Vary"]),
            Answer(200, BatchView, headers=["Vary"], sometimes=["Preference-Applied"]),
        ],
        takes={"application/json": Drawings},
        headers=["Prefer"],
        problems=[*BODY_PROBLEMS, "wrong-length", "invalid-idempotency-key", *ADMISSION_PROBLEMS, "store-unavailable"],
    )
)
def create_many() -> Response:
    """Accept up to 256 drawings: 202 with an entry for each, or 200 when `Prefer: wait=SECONDS` was enough for all.

    A drawing is `{"image": DATA_URL}`, or `{"picture": BASE64}` for those who have made the 28 x 28 picture already. An
    entry is a prediction, or `{"problem": ...}` in the place of a drawing that is none.
    """
    if HEADER in request.headers:
        raise Problem("invalid-idempotency-key", f"A batch takes no {HEADER}: send such drawings one by one.")
    request.max_content_length = ROOM * parts().settings.body_limit
    wait_s = preferred_wait_s()
    drawings = sent(Drawings).drawings
    parts().admission.admit(request.remote_addr, len(drawings))
    return _answer(_read(drawings), wait_s)


def _read(drawings: Sequence[object]) -> list[Job | Problem]:
    """Return the job of each drawing, or what is wrong with it; all PNGs are read together."""
    given = [_given(drawing) for drawing in drawings]
    jobs = iter(jobs_from_pngs([each for each in given if isinstance(each, bytes)]))
    return [next(jobs) if isinstance(each, bytes) else each for each in given]


def _given(drawing: object) -> bytes | Job | Problem:
    """Return the PNG, or the job where the client has made the picture, or what is wrong with the drawing."""
    try:
        if isinstance(drawing, dict) and "picture" in (fields := cast("dict[str, object]", drawing)):
            return job_from_picture(valid(RawDrawing, fields).picture)
        return png_from_data_url(valid(Drawing, cast("object", drawing)).image)
    except Problem as problem:
        return problem


def _answer(read: Sequence[Job | Problem], wait_s: float) -> Response:
    jobs = [job for job in read if isinstance(job, Job)]
    predictions = accept(jobs, wait_s) if jobs else []
    views = map(PredictionView.of, predictions)
    entries = [RefusedView(problem=told(one)) if isinstance(one, Problem) else next(views) for one in read]
    finished = all(prediction.state is not State.QUEUED for prediction in predictions)
    body = BatchView(predictions=entries).model_dump_json()
    response = Response(body, 200 if finished else 202, mimetype="application/json")
    note_preference(response, wait_s, was_enough=finished)
    return response
