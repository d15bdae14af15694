"""Turns whatever a route raises into a problem, and shows the page of each kind of problem."""

import logging

from flask import Blueprint, Flask, Response, render_template, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, PreconditionFailed

from shared.bad_image import BadImageError
from shared.store import StoreUnavailableError
from web.problems import KINDS, Problem, answer
from web.waiting import NoPlaceError

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2
SLUGS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}

routes = Blueprint("errors", __name__)


@routes.get("/problems/<slug>")
def page(slug: str) -> str:
    """Return the page that tells what a kind of problem means and how it is cured."""
    if slug not in KINDS:
        raise Problem("not-found", "No problem is called so.")
    return render_template("problem.html", slug=slug, kind=KINDS[slug])


def register(app: Flask) -> None:
    """Turn whatever a route raises into a problem."""
    app.register_error_handler(Problem, answer)
    app.register_error_handler(BadImageError, _bad_image)
    app.register_error_handler(StoreUnavailableError, _store_away)
    app.register_error_handler(NoPlaceError, _no_place)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)
    app.after_request(_told_if_conditional)


def _told_if_conditional(response: Response) -> Response:
    """Put a problem in the place of what Werkzeug answers to a failed If-Match: the whole, with the status 412."""
    if response.status_code != PreconditionFailed.code:
        return response
    response.close()
    return answer(Problem("precondition-failed", "What is here is not what If-Match names."))


def _bad_image(error: BadImageError) -> Response:
    return answer(Problem(error.slug, str(error)))


def _store_away(error: StoreUnavailableError) -> Response:
    log.warning("refused, the store is away: %s", error)
    return answer(Problem("store-unavailable", "Nothing was kept. Try again soon.", retry_after_s=RETRY_AFTER_S))


def _no_place(_: NoPlaceError) -> Response:
    detail = "Too many clients wait at this server: ask again without waiting, or later."
    return answer(Problem("too-many-waiting", detail, retry_after_s=RETRY_AFTER_S))


def _http(error: HTTPException) -> Response:
    short = isinstance(error, ClientDisconnected)
    slug = "incomplete-body" if short else SLUGS.get(error.code or 0, "bad-request")
    response = answer(Problem(slug, _detail(error) or KINDS[slug].title))
    response.headers.update({name: value for name, value in error.get_headers() if name in {"Allow", "Content-Range"}})
    return response


def _detail(error: HTTPException) -> str | None:
    """Return what is wrong in words of our own where Werkzeug's lack the limit, or what was asked."""
    details = {
        404: f"Nothing is at {request.path}.",
        405: f"{request.path} takes no {request.method}.",
        413: f"A body has at most {request.max_content_length} bytes.",
    }
    return details.get(error.code or 0, error.description)


def _unforeseen(error: Exception) -> Response:
    log.error("a request failed: %s", request.path, exc_info=error)
    return answer(Problem("internal-error", "Quill made a mistake. It is in the server's log."))
