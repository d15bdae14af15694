"""Every kind of error that the interface answers with, as application/problem+json (RFC 9457)."""

from typing import NamedTuple

from flask import Response, request

from web.counts import PROBLEMS
from web.views import ProblemView

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One kind of problem; its slug is the end of its `type`, which is also the address of its page.

    Attributes:
        status: the HTTP status that goes with it.
        title: what is wrong, the same each time.
        cure: what the person or program that meets it can do.
    """

    status: int
    title: str
    cure: str


KINDS = {
    "empty-body": Kind(400, "The body is empty", "Send what the call takes; a drawing is a PNG in the body."),
    "incomplete-body": Kind(400, "The body ends too early", "Send as many bytes as Content-Length tells."),
    "malformed-json": Kind(400, "The body is no JSON", "Send JSON in UTF-8, without a byte order mark."),
    "duplicate-key": Kind(400, "A JSON key occurs twice", "Send each key once: readers differ on what two mean."),
    "bad-request": Kind(400, "The request cannot be understood", "Compare it with the description under /docs."),
    "invalid-idempotency-key": Kind(
        400, "The Idempotency-Key cannot be used", "Send 1 to 255 printable ASCII characters: a UUID, say."
    ),
    "key-needed": Kind(
        401,
        "A key is needed",
        "Send `Authorization: Bearer KEY`. Whoever runs this service set the key as QUILL_API_KEY; without one set, "
        "anybody may read.",
    ),
    "not-found": Kind(
        404,
        "There is nothing here",
        "Check the address. A prediction is gone once it was deleted or is older than the service keeps it "
        "(QUILL_RETENTION_DAYS).",
    ),
    "method-not-allowed": Kind(405, "This address knows other methods", "Use one that the Allow header names."),
    "request-timeout": Kind(
        408,
        "The body comes too slowly",
        "Send it in one go: it has 10 seconds, and one more for each 50 kB that Content-Length announces.",
    ),
    "precondition-failed": Kind(412, "It is another one by now", "Ask without If-Match, or with its present ETag."),
    "payload-too-large": Kind(
        413,
        "The body is too large",
        "Send a smaller drawing: 280 x 280 pixels are plenty. QUILL_BODY_LIMIT is the limit.",
    ),
    "unsupported-media-type": Kind(
        415,
        "The body is of a type that is not taken",
        "Set Content-Type to what the body is; /docs tells what is taken.",
    ),
    "unsupported-encoding": Kind(
        415, "The body is compressed", "Send it as it is, without Content-Encoding; a PNG is small already."
    ),
    "unsupported-image": Kind(415, "The picture is no PNG", "Save or export the drawing as PNG."),
    "range-not-satisfiable": Kind(416, "The file has no such range", "Ask for the whole file, without Range."),
    "invalid-body": Kind(422, "The body is not an object", "Send a JSON object, {...}, with the fields under /docs."),
    "missing-field": Kind(422, "A field is missing", "Add the field that `detail` names."),
    "unknown-field": Kind(422, "A field is not known", "Leave out, or spell right, the field that `detail` names."),
    "invalid-type": Kind(422, "A value is of the wrong type", "Give the type that /docs tells; a number is no text."),
    "wrong-length": Kind(422, "There are too many or too few", "Send as many as `detail` names."),
    "out-of-range": Kind(422, "A value is out of range", "Stay within the limits that `detail` names."),
    "invalid-cursor": Kind(
        422, "`before` is no place in the history", "Copy it from `next` of a page, or leave it out."
    ),
    "invalid-data-url": Kind(422, "The image is no data URL", "Send data:image/png;base64, and the PNG in base64."),
    "invalid-base64": Kind(
        422, "The base64 is damaged", "Encode the PNG's bytes anew, with padding, without line ends."
    ),
    "undecodable-image": Kind(422, "The picture cannot be read", "Send a whole, undamaged PNG."),
    "image-too-large": Kind(422, "The drawing has too many pixels", "Scale it down: 280 x 280 pixels are plenty."),
    "animated-image": Kind(422, "The drawing moves", "Send a PNG without animation."),
    "blank-drawing": Kind(422, "Nothing is drawn", "Draw a digit with a pen that differs clearly from the paper."),
    "idempotency-mismatch": Kind(
        422, "The Idempotency-Key stands for another drawing", "Take a new key for each drawing; it is kept for a day."
    ),
    "rate-limited": Kind(
        429,
        "This client sends too much",
        "Send on after Retry-After seconds. QUILL_CLIENT_LIMIT is a client's share.",
    ),
    "internal-error": Kind(
        500, "Quill made a mistake", "Try again; whoever runs this service finds the cause in its log."
    ),
    "drawing-failed": Kind(
        500,
        "The drawing was given up",
        "Send another one: this one would fail again. Whoever runs this service finds the cause in its workers' log.",
    ),
    "store-unavailable": Kind(
        503,
        "Predictions cannot be kept or read now",
        "Nothing was promised. Try again after Retry-After seconds; /readyz and `quill doctor` tell what is wrong.",
    ),
    "overloaded": Kind(
        503,
        "Too much waits already",
        "Nothing was promised. Send again after Retry-After seconds. QUILL_BACKLOG_LIMIT is how much may wait; more "
        "workers make it shorter.",
    ),
    "too-many-waiting": Kind(
        503,
        "Too many clients wait here",
        "Ask without waiting, or after Retry-After seconds. QUILL_WAITING_LIMIT sets it.",
    ),
    "no-answer": Kind(
        503,
        "No worker has answered in time",
        "The drawing is kept. Ask again later; `quill doctor` tells whether a worker is alive.",
    ),
}


class Problem(Exception):  # noqa: N818 - the name of RFC 9457
    """Raised by a route to answer with an error; `slug` is one of KINDS, `detail` tells what is wrong this time."""

    def __init__(self, slug: str, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.slug = slug
        self.detail = detail
        self.retry_after_s = retry_after_s


def told(problem: Problem) -> ProblemView:
    """Count the problem; return the shape that tells it."""
    PROBLEMS.labels(problem.slug).inc()
    return ProblemView(
        type=f"/problems/{problem.slug}",
        title=problem.kind.title,
        status=problem.kind.status,
        detail=problem.detail,
        instance=request.path,
    )


def answer(problem: Problem) -> Response:
    """Return the response that tells the problem."""
    response = Response(told(problem).model_dump_json(), problem.kind.status, mimetype=MEDIA_TYPE)
    if problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.slug == "request-timeout":
        response.headers["Connection"] = "close"  # what is left of the body must not pass for the next request
    if problem.slug == "unsupported-encoding":
        response.headers["Accept-Encoding"] = "identity"  # RFC 9110, 15.5.16
    if problem.slug == "key-needed":
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
