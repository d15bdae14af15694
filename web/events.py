"""Server-sent events: each change of a prediction is told as it happens, until it is final."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from flask import Blueprint, Response

from shared.contract import Prediction, State
from web.describe import Answer, Call, describe
from web.parts import parts
from web.predictions import known
from web.views import EventView, PredictionView
from web.waiting import Outcomes, gathered

HEARTBEAT_S = 5.0  # keeps proxies from closing a silent connection, and notices a client that left
LONGEST_S = 300.0  # then the stream ends, and a browser opens it anew by itself

routes = Blueprint("events", __name__)


@routes.get("/api/v1/predictions/<string(length=36):prediction_id>/events")
@describe(
    Call(
        [Answer(200, EventView, media="text/event-stream", headers=["Cache-Control"])],
        problems=["not-found", "store-unavailable", "too-many-waiting"],
    )
)
def events(prediction_id: str) -> Response:
    """Tell a prediction now and when it changes, as events named `prediction`; the stream ends with the final one."""
    with ExitStack() as stack:
        stack.enter_context(parts().waiting.place())
        outcomes = stack.enter_context(parts().waiting.expecting(prediction_id))
        told = stream(known(prediction_id), outcomes)
        response = Response(told, mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
        response.call_on_close(stack.pop_all().close)
    return response


def stream(
    prediction: Prediction, outcomes: Outcomes, *, heartbeat_s: float = HEARTBEAT_S, longest_s: float = LONGEST_S
) -> Iterator[str]:
    """Yield an event for each state, and comments in between; the end comes with the final state, or when forgotten."""
    yield _event(prediction)
    deadline_s = time.monotonic() + longest_s
    is_over = prediction.state is not State.QUEUED
    while not is_over and time.monotonic() < deadline_s:
        became = gathered([prediction.id], outcomes, heartbeat_s)
        final, is_over = became.get(prediction.id), bool(became)
        yield _event(final) if final else ":\n\n"


def _event(prediction: Prediction) -> str:
    return f"event: prediction\ndata: {PredictionView.of(prediction).model_dump_json()}\n\n"
