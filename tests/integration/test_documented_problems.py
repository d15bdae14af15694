"""Every call answers with each problem that its documentation names, told whole; so are those that any may meet."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from flask import abort
from werkzeug.test import TestResponse

from shared.contract import State
from tests.services.pngs import SEVEN, SEVEN_URL, blank, moving
from tests.services.site import NOBODY, Site
from web.describe import CALLS
from web.parts import Parts
from web.problems import KINDS, Problem

pytestmark = pytest.mark.integration


def data_url(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode()}"


ELSEWHERE = {"request-timeout"}  # tests/integration/test_slow_bodies.py: it takes a slow connection
DOCUMENTED = [(view.__name__, slug) for view, call in CALLS.items() for slug in dict.fromkeys(call.problems)]
TEXTS = {  # bodies that no call takes
    "empty-body": "",
    "malformed-json": "{",
    "duplicate-key": '{"a": 1, "a": 2}',
    "invalid-body": "[]",
    "missing-field": "{}",
    "payload-too-large": "0" * 500_000,
}
URLS = {
    "invalid-data-url": "seven",
    "unsupported-image": "data:image/svg+xml;base64,AA==",
    "invalid-base64": "data:image/png;base64,A",
    "undecodable-image": data_url(SEVEN[:100]),
    "image-too-large": data_url(blank(2000, 2000)),
    "animated-image": data_url(moving()),
    "blank-drawing": data_url(blank(28, 28)),
}
RIGHT: dict[str, dict[str, object]] = {
    "create": {"image": SEVEN_URL},
    "create_many": {"drawings": [{"image": SEVEN_URL}]},
    "correct": {"digit": 1},
}
WRONG: dict[tuple[str, str], dict[str, object]] = {
    ("create", "invalid-type"): {"image": 7},
    ("create_many", "invalid-type"): {"drawings": 7},
    ("create_many", "wrong-length"): {"drawings": []},
    ("correct", "invalid-type"): {"digit": "1"},
    ("correct", "out-of-range"): {"digit": 10},
    ("correct", "wrong-length"): {"digit": 1, "digits": "1"},
}
QUERIES = {
    ("show", "invalid-type"): "wait=soon",
    ("show", "out-of-range"): "wait=-1",
    ("history", "invalid-type"): "limit=all",
    ("history", "out-of-range"): "limit=0",
    ("history", "invalid-cursor"): "before=yesterday",
}
HEADERS = {
    "unsupported-encoding": {"Content-Encoding": "gzip"},
    "invalid-idempotency-key": {"Idempotency-Key": ""},
    "idempotency-mismatch": {"Idempotency-Key": "k"},
    "not-found": {"Idempotency-Key": "k"},
    "precondition-failed": {"If-Match": '"x"'},
}
KEY = {"Authorization": "Bearer secret"}
SETTINGS: dict[str, dict[str, object]] = {
    "rate-limited": {"client_limit": 1},
    "overloaded": {"backlog_limit": 1},
    "store-unavailable": {"store_url": f"sqlite:///{__file__}/quill.db"},
}
RETRIED = {"rate-limited", "store-unavailable", "overloaded", "too-many-waiting", "no-answer"}


def assert_told(response: TestResponse, slug: str) -> None:
    """Fail unless the response is this problem, whole, with the headers that go with it and no others."""
    told, kind = response.get_json(force=True), KINDS[slug]
    assert (told["type"], response.status_code) == (f"/problems/{slug}", kind.status)
    assert (told["status"], told["title"]) == (kind.status, kind.title)
    assert told["detail"]
    assert told["instance"].startswith("/")
    assert response.mimetype == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in response.headers) == (slug in RETRIED)
    assert ("Allow" in response.headers) == (slug == "method-not-allowed")
    assert ("Accept-Encoding" in response.headers) == (slug == "unsupported-encoding")
    assert ("WWW-Authenticate" in response.headers) == (slug == "key-needed")


def request_for(name: str, slug: str) -> dict[str, Any]:
    """Return what makes the call answer with the problem, as the test client takes it."""
    if (name, slug) in QUERIES or name in {"show", "history", "corrections", "events", "forget"}:
        headers = {} if slug == "key-needed" else KEY | HEADERS.get(slug, {})
        return {"query_string": QUERIES.get((name, slug), ""), "headers": headers}
    if name == "predict":
        request = {"data": TEXTS.get(slug, URLS.get(slug, SEVEN_URL)), "headers": HEADERS.get(slug, {})}
    else:
        value = WRONG.get((name, slug), RIGHT[name])
        value = value | ({"image": URLS[slug]} if slug in URLS else {}) | ({"a": 1} if slug == "unknown-field" else {})
        kind = "text/plain" if slug == "unsupported-media-type" else "application/json"
        request = {"data": TEXTS.get(slug, json.dumps(value)), "content_type": kind, "headers": HEADERS.get(slug, {})}
    return request | ({"environ_overrides": {"CONTENT_LENGTH": "9999"}} if slug == "incomplete-body" else {})


def send_with_key(site: Site, body: bytes) -> TestResponse:
    headers = {"Idempotency-Key": "k"}
    return site.client.post("/api/v1/predictions", data=body, content_type="image/png", headers=headers)


def let_go(site: Site) -> None:
    """Answer all who wait at once with what is known, as a server does that is told to stop."""
    parts: Parts = site.app.extensions["quill"]
    parts.waiting.close()


def give_up_all(site: Site) -> None:
    """Be a worker that fails for good."""
    site.answer_at_once("", state=State.FAILED, error="given up", probabilities=())


ACTS: dict[str, Callable[[Site], None]] = {"no-answer": let_go, "drawing-failed": give_up_all}


@pytest.mark.parametrize(("name", "slug"), [pair for pair in DOCUMENTED if pair[1] not in ELSEWHERE])
def test_a_call_answers_with_each_problem_that_it_documents(
    new_site: Callable[..., Site], name: str, slug: str
) -> None:
    site = new_site(api_key="secret", body_limit=100_000, waiting_limit=1, **SETTINGS.get(slug, {}))
    (rule,) = (rule for rule in site.app.url_map.iter_rules() if rule.endpoint.endswith(f".{name}"))
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    address = str(rule).replace("<string(length=36):prediction_id>", NOBODY)
    if slug == "not-found" and name == "forget":
        address = f"/api/v1/predictions/{'x' * 36}"
    if slug == "precondition-failed":
        address = address.replace(NOBODY, site.draw()["id"])
    if slug in ACTS:
        ACTS[slug](site)
    if slug == "too-many-waiting":
        drawn = site.draw()["id"]
        _taken = site.client.get(f"/api/v1/predictions/{drawn}/events")  # the one place, held as long as this answer is
        address = address.replace(NOBODY, drawn)
    if slug in {"rate-limited", "overloaded"}:
        site.draw()
    if slug == "idempotency-mismatch":
        send_with_key(site, SEVEN + b" ")
    if (name, slug) == ("create", "not-found"):
        deleted = send_with_key(site, SEVEN).get_json()["id"]
        site.client.delete(f"/api/v1/predictions/{deleted}")
    assert_told(site.client.open(address, method=method, **request_for(name, slug)), slug)


def ask(site: Site, view: Callable[[], Any]) -> TestResponse:
    """Ask for the status, told by another view."""
    site.app.view_functions["status.status"] = view
    return site.client.get("/api/v1/status")


def give_up() -> NoReturn:
    raise Problem("request-timeout", "The body did not come in time.")


ANYWHERE: dict[str, Callable[[Site], TestResponse]] = {
    "request-timeout": lambda site: ask(site, give_up),
    "bad-request": lambda site: ask(site, lambda: abort(418)),
    "internal-error": lambda site: ask(site, lambda: 1 / 0),
    "method-not-allowed": lambda site: site.client.put("/api/v1/predictions"),
    "precondition-failed": lambda site: site.client.get("/static/style.css", headers={"If-Match": '"x"'}),
    "range-not-satisfiable": lambda site: site.client.get("/static/style.css", headers={"Range": "bytes=999999-"}),
}


@pytest.mark.parametrize("slug", ANYWHERE)
def test_a_problem_that_any_call_may_meet_is_told(site: Site, slug: str) -> None:
    assert_told(ANYWHERE[slug](site), slug)


def test_every_kind_is_tried() -> None:
    assert {slug for _, slug in DOCUMENTED} | set(ANYWHERE) == set(KINDS)
