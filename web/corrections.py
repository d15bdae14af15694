"""The corrected drawings, for `python -m training` to learn from: one JSON object a line."""

import json
from base64 import b64encode
from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response

from shared.contract import Prediction
from web.describe import Answer, Call, describe
from web.history import check_key
from web.parts import parts

routes = Blueprint("corrections", __name__)


@routes.get("/api/v1/corrections")
@describe(
    Call(
        [Answer(200, media="application/x-ndjson", headers=["Cache-Control"])],
        problems=["key-needed", "store-unavailable"],
    )
)
def corrections() -> Response:
    """Give all corrected drawings, one JSON object a line, in no order.

    Its fields are `id`, `label` (the digits that a person said it is, empty for no digit) and `pictures`: what the
    model saw, left to right, each 784 bytes in base64, 0 paper to 255 ink.
    """
    check_key()
    lines = _lines(parts().store.corrections())
    first = next(lines, "")  # before the status is sent: a store that is away is told as a problem
    return Response(chain([first], lines), mimetype="application/x-ndjson", headers={"Cache-Control": "no-store"})


def _lines(corrected: Iterator[Prediction]) -> Iterator[str]:
    for prediction in corrected:
        pictures = [b64encode(picture).decode() for picture in prediction.pictures]
        yield json.dumps({"id": prediction.id, "label": prediction.label, "pictures": pictures}) + "\n"
