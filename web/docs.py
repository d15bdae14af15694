"""The interface described: the OpenAPI document, and the page that renders it."""

from functools import cache

from flask import Blueprint, Response, current_app, render_template
from swagger_ui_bundle import swagger_ui_path  # pyright: ignore[reportMissingTypeStubs] - the wheel brings no types

from web.describe import Answer, Call, describe

routes = Blueprint("docs", __name__, static_folder=str(swagger_ui_path), static_url_path="/docs")


@routes.get("/openapi.json")
@describe(Call([Answer(200, media="application/json")]))
def openapi() -> Response:
    """Give this document."""
    return Response(_text(), mimetype="application/json")


@routes.get("/docs")
def page() -> str:
    """Return the page that renders the document; it loads nothing from elsewhere."""
    return render_template("docs.html")


@cache
def _text() -> str:
    from web.openapi import document  # noqa: PLC0415 - takes 4 MB, and hardly anybody asks

    return document(current_app).model_dump_json(by_alias=True, exclude_none=True)
