"""Every error is a problem of a documented kind, with the status of that kind and a page that tells its cure."""

import io
from collections.abc import Callable
from gzip import compress
from typing import Any, NoReturn

import pytest
from flask import abort
from markupsafe import escape
from werkzeug.test import TestResponse

from shared.settings import Settings
from tests.services.pngs import blank, moving
from tests.services.site import SEVEN, SEVEN_URL, Site
from tests.services.troubles import SETTINGS, give_up_all, let_go, send_with_key
from web.problems import KINDS, Problem

pytestmark = pytest.mark.integration

NOBODY = "/api/v1/predictions/00000000-0000-4000-8000-000000000000"


def send(site: Site, body: bytes | str, content_type: str = "image/png") -> TestResponse:
    return site.client.post("/api/v1/predictions", data=body, content_type=content_type)


def send_json(site: Site, body: str) -> TestResponse:
    return send(site, body, "application/json")


def label(site: Site, body: str) -> TestResponse:
    return site.client.put(f"{NOBODY}/label", data=body, content_type="application/json")


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
    _taken = listen(site)  # the one place, held as long as this answer is
    return site.client.post("/predict", data=SEVEN_URL)


def ask_and(site: Site, act: Callable[[Site], None]) -> TestResponse:
    act(site)
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
    "precondition-failed": lambda site: site.client.get("/static/style.css", headers={"If-Match": '"x"'}),
    "payload-too-large": lambda site: send(site, b"0" * 20_000),
    "unsupported-media-type": lambda site: send(site, SEVEN, "text/plain"),
    "unsupported-encoding": lambda site: site.client.post(
        "/api/v1/predictions", data=compress(SEVEN), content_type="image/png", headers={"Content-Encoding": "gzip"}
    ),
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
    "image-too-large": lambda site: send(site, blank(2000, 2000)),
    "animated-image": lambda site: send(site, moving()),
    "blank-drawing": lambda site: send(site, blank(28, 28)),
    "invalid-idempotency-key": lambda site: site.client.post("/api/v1/predictions", headers={"Idempotency-Key": ""}),
    "idempotency-mismatch": lambda site: (send_with_key(site, SEVEN), send_with_key(site, SEVEN + b" "))[1],
    "rate-limited": lambda site: (send(site, SEVEN), send(site, SEVEN))[1],
    "overloaded": lambda site: (send(site, SEVEN), send(site, SEVEN))[1],
    "internal-error": fail,
    "store-unavailable": lambda site: site.client.get(NOBODY),
    "too-many-waiting": lambda site: (listen(site), listen(site))[1],
    "no-answer": lambda site: ask_and(site, let_go),
    "drawing-failed": lambda site: ask_and(site, give_up_all),
}
RETRIED = {"rate-limited", "store-unavailable", "overloaded", "too-many-waiting", "no-answer"}


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
    assert ("Accept-Encoding" in response.headers) == (slug == "unsupported-encoding")
    assert ("WWW-Authenticate" in response.headers) == (slug == "key-needed")


@pytest.mark.parametrize("slug", KINDS)
def test_the_type_leads_to_a_page_that_tells_the_cure(site: Site, slug: str) -> None:
    page = site.client.get(f"/problems/{slug}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert slug in page.text
    assert str(escape(KINDS[slug].cure)) in page.text


def test_whoever_finds_no_place_to_wait_at_the_seeds_call_has_nothing_accepted(new_site: Callable[..., Site]) -> None:
    site = new_site(waiting_limit=1)
    refused = ask_without_place(site)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/too-many-waiting")
    assert site.store.backlog() == 1  # the one that is listened for


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_told_the_limit(new_site: Callable[..., Site], chunked: bool) -> None:
    site = new_site(body_limit=10_000)
    whole = {"data": bytes(10_001)}
    parts_of = {"input_stream": io.BytesIO(bytes(20_000)), "environ_overrides": {"wsgi.input_terminated": True}}
    refused = site.client.post("/api/v1/predictions", content_type="image/png", **(parts_of if chunked else whole))
    assert refused.status_code == 413
    assert "10000 bytes" in refused.get_json()["detail"]


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
