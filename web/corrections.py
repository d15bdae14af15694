"""The corrected drawings, for `python -m training` to learn from: one JSON object a line."""

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice

from flask import Blueprint, Response

from shared.contract import Prediction
from shared.store import StoreUnavailableError
from web.describe import Answer, Call, describe
from web.history import check_key
from web.parts import parts

log = logging.getLogger(__name__)

# An answer that breaks off looks whole to those who ask: its status was sent before, and HTTP/1.1 ends it in peace. No
# reader of JSON takes this line.
BROKEN_OFF = "broken off, the store is away: ask again\n"

routes = Blueprint("corrections", __name__)


@routes.get("/api/v1/corrections")
@describe(
    Call(
        [Answer(200, media="application/x-ndjson", headers=["Cache-Control"])],
        problems=["key-needed", "store-unavailable", "too-many-waiting"],
    )
)
def corrections() -> Response:
    """Give all corrected drawings, one JSON object a line, in no order.

    Its fields are `id`, `label` (the digits that a person said it is, empty for no digit) and `pictures`: what the
    model saw, left to right, each 784 bytes in base64, 0 paper to 255 ink. A last line that is no JSON tells that the
    store was lost on the way: ask again.
    """
    check_key()
    with ExitStack() as stack:
        stack.enter_context(parts().waiting.place())  # who reads slowly holds a thread, as who waits does
        corrected = parts().store.corrections()
        first = list(islice(corrected, 1))  # before the status is sent: a store that is away is told as a problem
        headers = {"Cache-Control": "no-store"}
        response = Response(lines(chain(first, corrected)), mimetype="application/x-ndjson", headers=headers)
        response.call_on_close(stack.pop_all().close)
    return response


def lines(corrected: Iterable[Prediction]) -> Iterator[str]:
    """Yield a line for each prediction, and BROKEN_OFF at last when not all came."""
    try:
        for prediction in corrected:
            pictures = [b64encode(picture).decode() for picture in prediction.pictures]
            yield json.dumps({"id": prediction.id, "label": prediction.label, "pictures": pictures}) + "\n"
    except Exception as error:  # whatever it is, only this line can tell
        log.warning("an export broke off: %s", error, exc_info=not isinstance(error, StoreUnavailableError))
        yield BROKEN_OFF
