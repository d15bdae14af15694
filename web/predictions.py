"""The predictions: accept a drawing, tell what became of it, correct it, forget it."""

from flask import Blueprint, Response, request, url_for

from shared.contract import Prediction, State, is_id, new_id
from web.accepting import LONGEST_WAIT_S, accept, accept_drawing, note_preference, preferred_wait_s
from web.admission import ADMISSION_PROBLEMS
from web.bodies import BODY_PROBLEMS, asked, sent
from web.counts import CORRECTIONS, REPEATS
from web.describe import Answer, Call, describe
from web.drawings import DATA_URL_PROBLEMS, PICTURE_PROBLEMS, png_from_request
from web.idempotency import claimed, key_of
from web.intake import job_read
from web.parts import parts
from web.problems import Problem
from web.views import AcceptedView, Drawing, Label, PredictionView, Wait

routes = Blueprint("predictions", __name__)


@routes.post("/api/v1/predictions")
@describe(
    Call(
        [
            Answer(202, AcceptedView, headers=["Location", "Vary"]),
            Answer(
                200, PredictionView, headers=["Location", "Vary"], sometimes=["Preference-Applied", "Server-Timing"]
            ),
        ],
        takes={"image/png": None, "application/json": Drawing},
        headers=["Prefer", "Idempotency-Key"],
        problems=[
            *BODY_PROBLEMS,
            *DATA_URL_PROBLEMS,
            *PICTURE_PROBLEMS,
            *ADMISSION_PROBLEMS,
            "invalid-idempotency-key",
            "idempotency-mismatch",
            "not-found",
            "store-unavailable",
        ],
    )
)
def create() -> Response:
    """Accept a drawing: 202, or 200 when `Prefer: wait=SECONDS` was enough; with a key, once.

    404 when the prediction that the key stands for was deleted: a key brings nothing back.
    """
    parts().admission.admit(request.remote_addr)
    wait_s, key = preferred_wait_s(), key_of(request)
    png = png_from_request(request)
    ahead = parts().backlog.now().count  # before it joins them
    prediction = accept_drawing(png, wait_s) if key is None else _accept_once(key, png, wait_s)
    finished = prediction.state is not State.QUEUED
    response = shown(prediction) if finished else _accepted(prediction, ahead)
    response.headers["Location"] = url_for(".show", prediction_id=prediction.id)
    note_preference(response, wait_s, was_enough=finished)
    return response


@routes.get("/api/v1/predictions/<string(length=36):prediction_id>")
@describe(
    Call(
        [
            Answer(200, PredictionView, headers=["Cache-Control", "ETag"], sometimes=["Server-Timing"]),
            Answer(304, headers=["Cache-Control", "ETag"]),
        ],
        query=Wait,
        headers=["If-None-Match"],
        problems=["not-found", "precondition-failed", "out-of-range", "invalid-type", "store-unavailable"],
    )
)
def show(prediction_id: str) -> Response:
    """Tell a prediction as it is, or with `?wait=SECONDS` as soon as it is finished."""
    prediction = _looked_up(prediction_id, min(asked(Wait).wait, LONGEST_WAIT_S))
    response = shown(prediction)
    response.headers["Cache-Control"] = "private, no-cache"  # kept, and asked for anew with its ETag
    response.set_etag(f"{prediction.state}-{prediction.label}")
    response.make_conditional(request)
    return response


@routes.put("/api/v1/predictions/<string(length=36):prediction_id>/label")
@describe(
    Call(
        [Answer(204)],
        takes={"application/json": Label},
        problems=[*BODY_PROBLEMS, "wrong-length", "out-of-range", "not-found", "store-unavailable"],
    )
)
def correct(prediction_id: str) -> Response:
    """Keep the person's correction, for retraining; the last one stays.

    `{"digit": 7}`, or `{"digits": "407"}` for a number, or `{"digits": ""}` for what is no digit.
    """
    label = sent(Label)
    if not is_id(prediction_id) or not parts().store.label(prediction_id, label.text):
        raise _unknown()
    CORRECTIONS.inc()
    return Response(status=204)


@routes.delete("/api/v1/predictions/<string(length=36):prediction_id>")
@describe(Call([Answer(204)], problems=["not-found", "store-unavailable"]))
def forget(prediction_id: str) -> Response:
    """Cancel what is queued and forget it in any case; deleting twice is as good as once."""
    if not is_id(prediction_id):
        raise _unknown()
    if parts().store.get([prediction_id]):  # a mark for each id that somebody makes up would fill the store
        parts().store.forget(prediction_id)
    return Response(status=204)


def _accept_once(key: str, png: bytes, wait_s: float) -> Prediction:
    """Accept the drawing unless it was accepted under this key; return its prediction, finished if so within wait_s.

    A repeat is accepted, too, when the first request was cut off between its claim of the key and its acceptance.
    """
    fresh = job_read(new_id(), parts().read([png]))
    job = claimed(fresh, png, key, parts().store)
    if job.id == fresh.id:
        return accept([job], wait_s)[0]
    REPEATS.inc()
    if not parts().store.get([job.id]):
        parts().intake.accept([job]).result()
    return _looked_up(job.id, wait_s)


def _looked_up(prediction_id: str, wait_s: float) -> Prediction:
    with parts().waiting.expecting(prediction_id) as outcomes:  # before the look, so that no hint falls in between
        prediction = known(prediction_id)
        if wait_s and prediction.state is State.QUEUED:
            became = parts().waiting.wait([prediction_id], outcomes, wait_s)
            prediction = became.get(prediction_id) or known(prediction_id)
    return prediction


def known(prediction_id: str) -> Prediction:
    """Return the prediction.

    Raises:
        Problem: 404.
    """
    prediction = parts().store.get([prediction_id]).get(prediction_id) if is_id(prediction_id) else None
    if prediction is None:
        raise _unknown()
    return prediction


def _unknown() -> Problem:
    return Problem("not-found", "No prediction has this id: it was never accepted, or it was deleted.")


def shown(prediction: Prediction) -> Response:
    """Return the answer that shows a prediction."""
    response = Response(PredictionView.of(prediction).model_dump_json(), mimetype="application/json")
    if prediction.stage_ms:
        response.headers["Server-Timing"] = ", ".join(f"{name};dur={ms}" for name, ms in prediction.stage_ms.items())
    return response


def _accepted(queued: Prediction, ahead: int | None) -> Response:
    view = AcceptedView.of(queued, queued_behind=ahead)
    return Response(view.model_dump_json(), 202, mimetype="application/json")
