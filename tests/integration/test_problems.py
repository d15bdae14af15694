"""Every error is a problem of a documented kind, with the status of that kind and a page that tells its cure."""

import io
import json
from base64 import b64encode
from collections.abc import Callable
from gzip import compress
from typing import Any, NoReturn

import pytest
from flask import abort
from markupsafe import escape
from PIL import Image
from werkzeug.test import TestResponse

from shared.contract import State
from shared.settings import Settings
from tests.services.pngs import png
from tests.services.site import SEVEN, SEVEN_URL, Site
from web.describe import CALLS
from web.parts import Parts
from web.problems import KINDS, Problem

pytestmark = pytest.mark.integration

NOBODY = "/api/v1/predictions/00000000-0000-4000-8000-000000000000"


def blank(width: int, height: int, **options: Any) -> bytes:
    return png(Image.new("L", (width, height), 255), **options)


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
    first, second = (Image.new("L", (28, 28), shade) for shade in (0, 255))
    return png(first, save_all=True, append_images=[second])


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


def let_go(site: Site) -> None:
    """Answer all who wait at once with what is known, as a server does that is told to stop."""
    parts: Parts = site.app.extensions["quill"]
    parts.waiting.close()


def give_up_all(site: Site) -> None:
    """Be a worker that fails for good."""
    failed: dict[str, Any] = {"state": State.FAILED, "error": "given up", "probabilities": ()}
    site.on_submit = lambda jobs: [site.finish(job.id, "", **failed) for job in jobs]


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


ACTS: dict[str, Callable[[Site], None]] = {"no-answer": let_go, "drawing-failed": give_up_all}


@pytest.mark.parametrize(("name", "slug"), [pair for pair in DOCUMENTED if pair[1] not in ELSEWHERE])
def test_a_call_answers_with_each_problem_that_it_documents(
    new_site: Callable[..., Site], name: str, slug: str
) -> None:
    site = new_site(api_key="secret", body_limit=100_000, waiting_limit=1, **SETTINGS.get(slug, {}))
    (rule,) = (rule for rule in site.app.url_map.iter_rules() if rule.endpoint.endswith(f".{name}"))
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    address = str(rule).replace("<string(length=36):prediction_id>", NOBODY.rpartition("/")[2])
    if slug == "not-found" and name == "forget":
        address = f"/api/v1/predictions/{'x' * 36}"
    if slug == "precondition-failed":
        address = address.replace(NOBODY.rpartition("/")[2], site.draw()["id"])
    if slug in ACTS:
        ACTS[slug](site)
    if slug == "too-many-waiting":
        drawn = site.draw()["id"]
        _taken = site.client.get(f"/api/v1/predictions/{drawn}/events")  # the one place, held as long as this answer is
        address = address.replace(NOBODY.rpartition("/")[2], drawn)
    if slug in {"rate-limited", "overloaded"}:
        site.draw()
    if slug == "idempotency-mismatch":
        send_with_key(site, SEVEN + b" ")
    if (name, slug) == ("create", "not-found"):
        deleted = send_with_key(site, SEVEN).get_json()["id"]
        site.client.delete(f"/api/v1/predictions/{deleted}")
    response = site.client.open(address, method=method, **request_for(name, slug))
    assert (response.get_json(force=True)["type"], response.status_code) == (f"/problems/{slug}", KINDS[slug].status)
    promised = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(response.status_code, [])
    assert set(promised) <= {header for header, _ in response.headers}
