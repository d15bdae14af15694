"""The page that people draw on, and the headers that protect whoever looks at it."""

from flask import Blueprint, Flask, Response

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


routes = Blueprint("page", __name__, static_folder="static", static_url_path="/static")


@routes.get("/")
def index() -> Response:
    """Return the page; its scripts and styles are static files."""
    return routes.send_static_file("index.html")


@routes.get("/operator")
def operator() -> Response:
    """Return the page that shows backlog, rate and workers, live."""
    return routes.send_static_file("operator.html")


def protect(app: Flask) -> None:
    """Add the headers to every response."""

    @app.after_request
    def add(response: Response) -> Response:
        response.headers.extend(HEADERS)
        return response
