"""The call of the seed of 2019, for programs that still use it."""

from flask import Blueprint, Response, request

from shared.contract import State
from web.accepting import LONGEST_WAIT_S, accept_drawing
from web.admission import ADMISSION_PROBLEMS
from web.bodies import whole_body
from web.describe import Answer, Call, describe
from web.drawings import DATA_URL_PROBLEMS, PICTURE_PROBLEMS, png_from_data_url
from web.parts import parts
from web.problems import Problem
from web.views import DataUrlText, DigitsView

routes = Blueprint("seed", __name__)


@routes.post("/predict")
@describe(
    Call(
        [Answer(200, DigitsView)],
        takes={"text/plain": DataUrlText},
        problems=[
            "incomplete-body",
            "request-timeout",
            "unsupported-encoding",
            *DATA_URL_PROBLEMS,
            *PICTURE_PROBLEMS,
            *ADMISSION_PROBLEMS,
            "store-unavailable",
            "too-many-waiting",
            "no-answer",
            "drawing-failed",
        ],
    )
)
def predict() -> Response:
    """Answer as the seed of 2019 did: a data URL in, the digits as a JSON list out."""
    parts().admission.admit(request.remote_addr)
    url = whole_body().decode("utf-8", "replace").strip()
    with parts().waiting.place():  # else the drawing would be accepted, and its answer told to nobody
        prediction = accept_drawing(png_from_data_url(url), LONGEST_WAIT_S, holds_place=True)
    if prediction.state is State.FAILED:
        raise Problem("drawing-failed", prediction.error or "The drawing was given up.")
    if prediction.state is State.QUEUED:
        raise Problem("no-answer", "No worker has answered yet.", retry_after_s=5)
    return Response(f"[{', '.join(prediction.digits)}]", mimetype="application/json")
