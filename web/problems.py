"""Every error of the interface as application/problem+json (RFC 9457), each with a stable type."""

from http import HTTPStatus

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from shared.picture import BadImageError
from shared.store import StoreUnavailableError
from web.waiting import NoPlaceError

STATUSES = {"unsupported-image": 415, "unsupported-media-type": 415, "empty-body": 400, "malformed-json": 400}
SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "payload-too-large", 415: "unsupported-media-type"}
RETRY_AFTER_S = 2
MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the name of RFC 9457
    """Raised by a route to answer with an error; `detail` tells the person or program how to cure it."""

    def __init__(self, status: int, slug: str, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.retry_after_s = retry_after_s


def answer(problem: Problem) -> Response:
    """Return the response that tells the problem."""
    body = {
        "type": f"/problems/{problem.slug}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
    }
    response = Response(json.dumps(body), problem.status, mimetype=MEDIA_TYPE)
    if problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def register(app: Flask) -> None:
    """Turn whatever a route raises into a problem."""

    @app.errorhandler(Problem)
    def told(error: Problem) -> Response:
        return answer(error)

    @app.errorhandler(BadImageError)
    def bad_image(error: BadImageError) -> Response:
        return answer(Problem(STATUSES.get(error.slug, 422), error.slug, str(error)))

    @app.errorhandler(StoreUnavailableError)
    def store_away(error: StoreUnavailableError) -> Response:
        app.logger.warning("refused, the store is away: %s", error)
        return answer(
            Problem(503, "store-unavailable", "Nothing was kept. Try again soon.", retry_after_s=RETRY_AFTER_S)
        )

    @app.errorhandler(NoPlaceError)
    def no_place(_: NoPlaceError) -> Response:
        detail = "Too many clients wait at this server: ask again without waiting, or later."
        return answer(Problem(503, "too-many-waiting", detail, retry_after_s=RETRY_AFTER_S))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        slug = SLUGS.get(status, HTTPStatus(status).phrase.lower().replace(" ", "-"))
        response = answer(Problem(status, slug, error.description or HTTPStatus(status).phrase))
        kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
        response.headers.update(kept)
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        app.logger.error("a request failed: %s", request.path, exc_info=error)
        return answer(Problem(500, "internal-error", "Quill made a mistake. It is in the server's log."))
