"""The history of all predictions, newest first, for whoever may read it."""

import hmac

from flask import Blueprint, Response, request, url_for

from shared.contract import Prediction
from shared.store import Position
from web.bodies import asked
from web.describe import Answer, Call, describe
from web.parts import parts
from web.problems import Problem
from web.views import HistoryView, Page, PredictionView

routes = Blueprint("history", __name__)


@routes.get("/api/v1/predictions")
@describe(
    Call(
        [Answer(200, HistoryView, headers=["Cache-Control"], sometimes=["Link"])],
        query=Page,
        problems=["key-needed", "out-of-range", "invalid-type", "invalid-cursor", "store-unavailable"],
    )
)
def history() -> Response:
    """Tell a page of the history; pages stay the same while new predictions arrive."""
    check_key()
    page = asked(Page)
    found = parts().store.history(page.limit, _position(page.before))
    after = _cursor(found[-1]) if len(found) == page.limit else None
    view = HistoryView(predictions=[PredictionView.of(prediction) for prediction in found], next=after)
    response = Response(view.model_dump_json(), mimetype="application/json", headers={"Cache-Control": "no-store"})
    if after:
        response.headers["Link"] = f'<{url_for(".history", limit=page.limit, before=after)}>; rel="next"'
    return response


def check_key() -> None:
    """Let pass whoever sends `Authorization: Bearer KEY` with the key of the settings; everybody when that is empty.

    Raises:
        Problem: 401.
    """
    key = parts().settings.api_key.get_secret_value()
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if key and not (scheme.lower() == "bearer" and hmac.compare_digest(sent.strip(" ").encode(), key.encode())):
        raise Problem("key-needed", "Send the key of QUILL_API_KEY: `Authorization: Bearer KEY`.")


def _cursor(prediction: Prediction) -> str:
    return f"{prediction.accepted_ms}_{prediction.id}"


def _position(cursor: str) -> Position | None:
    if not cursor:
        return None
    accepted_ms, _, prediction_id = cursor.partition("_")
    return Position(int(accepted_ms), prediction_id)
