"""Every error is a problem of a documented kind, with the status of that kind and a page that tells its cure."""

import io
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from flask import abort
from markupsafe import escape
from PIL import Image
from werkzeug.test import TestResponse

from shared.settings import Settings
from tests.services.site import SEVEN, SEVEN_URL, Site
from web.problems import KINDS, Problem

pytestmark = pytest.mark.integration

NOBODY = "/api/v1/predictions/00000000-0000-4000-8000-000000000000"


def png(width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 255).save(file, "PNG", **options)
    return file.getvalue()


def send(site: Site, body: bytes | str, content_type: str = "image/png") -> TestResponse:
    return site.client.post("/api/v1/predictions", data=body, content_type=content_type)


def send_with_key(site: Site, body: bytes) -> TestResponse:
    headers = {"Idempotency-Key": "k"}
    return site.client.post("/api/v1/predictions", data=body, content_type="image/png", headers=headers)


def send_json(site: Site, body: str) -> TestResponse:
    return send(site, body, "application/json")


def label(site: Site, body: str) -> TestResponse:
    return site.client.put(f"{NOBODY}/label", data=body, content_type="application/json")


def moving() -> bytes:
    frames = [Image.new("L", (28, 28), shade) for shade in (0, 255)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def ask(site: Site, view: Callable[[], Any]) -> TestResponse:
    """Ask for the status, told by another view."""
    site.app.view_functions["status.status"] = view
    return site.client.get("/api/v1/status")


def fail(site: Site) -> TestResponse:
    return ask(site, lambda: 1 / 0)


def give_up() -> NoReturn:
    raise Problem("request-timeout", "The body did not come in time.")


def listen(site: Site) -> TestResponse:
    return site.client.get(f"/api/v1/predictions/{site.draw()['id']}/events")


def ask_without_place(site: Site) -> TestResponse:
    listen(site)  # takes the one place
    return site.client.post("/predict", data=SEVEN_URL)


CASES: dict[str, Callable[[Site], TestResponse]] = {
    "empty-body": lambda site: send(site, b""),
    "incomplete-body": lambda site: site.client.post(
        "/api/v1/predictions", data=SEVEN, content_type="image/png", environ_overrides={"CONTENT_LENGTH": "9999"}
    ),
    "request-timeout": lambda site: ask(site, give_up),  # a real one is in test_slow_bodies.py
    "bad-request": lambda site: ask(site, lambda: abort(418)),
    "malformed-json": lambda site: send_json(site, "{"),
    "duplicate-key": lambda site: label(site, '{"digit": 1, "digit": 2}'),
    "key-needed": lambda site: site.client.get("/api/v1/predictions"),
    "not-found": lambda site: site.client.get(NOBODY),
    "method-not-allowed": lambda site: site.client.put("/api/v1/predictions"),
    "payload-too-large": lambda site: send(site, b"0" * 20_000),
    "unsupported-media-type": lambda site: send(site, SEVEN, "text/plain"),
    "unsupported-image": lambda site: send_json(site, '{"image": "data:image/svg+xml;base64,AA=="}'),
    "range-not-satisfiable": lambda site: site.client.get("/static/style.css", headers={"Range": "bytes=999999-"}),
    "invalid-body": lambda site: label(site, "[]"),
    "missing-field": lambda site: label(site, "{}"),
    "unknown-field": lambda site: label(site, '{"digit": 1, "colour": 2}'),
    "invalid-type": lambda site: label(site, '{"digit": "1"}'),
    "out-of-range": lambda site: label(site, '{"digit": 10}'),
    "wrong-length": lambda site: site.client.post("/api/v1/predictions/batch", json={"drawings": []}),
    "invalid-cursor": lambda site: site.client.get(
        "/api/v1/predictions?before=x", headers={"Authorization": "Bearer secret"}
    ),
    "invalid-data-url": lambda site: send_json(site, '{"image": "seven"}'),
    "invalid-base64": lambda site: send_json(site, '{"image": "data:image/png;base64,A"}'),
    "undecodable-image": lambda site: send(site, SEVEN[:100]),
    "image-too-large": lambda site: send(site, png(2000, 2000)),
    "animated-image": lambda site: send(site, moving()),
    "blank-drawing": lambda site: send(site, png(28, 28)),
    "invalid-idempotency-key": lambda site: site.client.post("/api/v1/predictions", headers={"Idempotency-Key": ""}),
    "idempotency-mismatch": lambda site: (send_with_key(site, SEVEN), send_with_key(site, SEVEN + b" "))[1],
    "rate-limited": lambda site: (send(site, SEVEN), send(site, SEVEN))[1],
    "overloaded": lambda site: (send(site, SEVEN), send(site, SEVEN))[1],
    "internal-error": fail,
    "store-unavailable": lambda site: site.client.get(NOBODY),
    "too-many-waiting": lambda site: (listen(site), listen(site))[1],
    "no-answer": ask_without_place,
}
RETRIED = {"rate-limited", "store-unavailable", "overloaded", "too-many-waiting", "no-answer"}
SETTINGS: dict[str, dict[str, object]] = {
    "rate-limited": {"client_limit": 1},
    "overloaded": {"backlog_limit": 1},
    "store-unavailable": {"store_url": f"sqlite:///{__file__}/quill.db"},
}


def test_every_kind_is_tried() -> None:
    assert set(CASES) == set(KINDS)


@pytest.mark.parametrize("slug", CASES)
def test_the_problem_is_told_as_documented(new_site: Callable[..., Site], slug: str) -> None:
    site = new_site(api_key="secret", body_limit=10_000, waiting_limit=1, **SETTINGS.get(slug, {}))
    response = CASES[slug](site)
    told = response.get_json(force=True)
    assert (told["type"], response.status_code) == (f"/problems/{slug}", KINDS[slug].status)
    assert (told["status"], told["title"]) == (KINDS[slug].status, KINDS[slug].title)
    assert told["detail"]
    assert told["instance"].startswith("/")
    assert response.mimetype == "application/problem+json"
    assert ("Retry-After" in response.headers) == (slug in RETRIED)
    assert ("Allow" in response.headers) == (slug == "method-not-allowed")
    assert ("WWW-Authenticate" in response.headers) == (slug == "key-needed")


@pytest.mark.parametrize("slug", KINDS)
def test_the_type_leads_to_a_page_that_tells_the_cure(site: Site, slug: str) -> None:
    page = site.client.get(f"/problems/{slug}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert slug in page.text
    assert str(escape(KINDS[slug].cure)) in page.text


def test_a_kind_that_is_not_there_has_no_page(site: Site) -> None:
    assert site.client.get("/problems/bad-luck").status_code == 404


def test_a_mistake_of_quill_shows_nothing_of_its_inside(site: Site) -> None:
    told = fail(site).text
    assert "ZeroDivisionError" not in told
    assert "Traceback" not in told


def test_a_cure_names_only_settings_that_are_there() -> None:
    named = {word.strip("().,;") for kind in KINDS.values() for word in kind.cure.split() if "QUILL_" in word}
    assert named
    assert named <= {f"QUILL_{name.upper()}" for name in Settings.model_fields}
