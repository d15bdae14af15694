"""The interface is as its document says: every call, every good status, every header."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.contract import Job
from shared.queue import tell_alive
from shared.reader import read_here
from shared.reading import Reading
from tests.services.pngs import SEVEN, SEVEN_URL
from tests.services.site import NOBODY, Site
from web.app import create_app
from web.describe import ANSWERED, SENT
from web.waiting import LOOK_S

pytestmark = pytest.mark.integration

PAGES = {"/", "/operator", "/docs", "/problems/<slug>", "/static/<path:filename>", "/docs/<path:filename>"}
PREDICTIONS = "/api/v1/predictions"
BATCH = {"drawings": [{"image": SEVEN_URL}, {}]}
PNG = {"data": SEVEN, "content_type": "image/png"}
BODIES: dict[str, dict[str, Any]] = {  # where it is no PNG
    f"{PREDICTIONS}/{{prediction_id}}/label": {"json": {"digit": 1}},
    f"{PREDICTIONS}/batch": {"json": BATCH},
    "/predict": {"data": SEVEN_URL},
}


def finished(site: Site) -> str:
    """Return the address of a finished prediction."""
    prediction_id = site.draw()["id"]
    site.finish(prediction_id, stage_ms={"queued": 1.0, "classified": 2.5})
    return f"{PREDICTIONS}/{prediction_id}"


def post_and_be_answered(site: Site, path: str, **options: Any) -> TestResponse:
    """Post a drawing that is answered as soon as it is submitted."""
    site.answer_at_once(stage_ms={"queued": 1.0})
    return site.client.post(path, **options)


def unchanged(site: Site) -> TestResponse:
    address = finished(site)
    etag = site.client.get(address).headers["ETag"]
    return site.client.get(address, headers={"If-None-Match": etag})


def ready(site: Site) -> TestResponse:
    tell_alive(site.redis, "w", {"model_version": "test-1"})
    return site.client.get("/readyz")


GOOD: dict[str, Callable[[Site], TestResponse]] = {
    f"post {PREDICTIONS} 202": lambda site: site.client.post(PREDICTIONS, **PNG),
    f"post {PREDICTIONS} 200": lambda site: post_and_be_answered(
        site, PREDICTIONS, headers={"Prefer": "wait=20"}, **PNG
    ),
    f"post {PREDICTIONS}/batch 202": lambda site: site.client.post(f"{PREDICTIONS}/batch", json=BATCH),
    f"post {PREDICTIONS}/batch 200": lambda site: post_and_be_answered(
        site, f"{PREDICTIONS}/batch", headers={"Prefer": "wait=20"}, json=BATCH
    ),
    f"get {PREDICTIONS} 200": lambda site: (site.draw(), site.client.get(f"{PREDICTIONS}?limit=1"))[1],
    f"get {PREDICTIONS}/{{prediction_id}} 200": lambda site: site.client.get(finished(site)),
    f"get {PREDICTIONS}/{{prediction_id}} 304": unchanged,
    f"delete {PREDICTIONS}/{{prediction_id}} 204": lambda site: site.client.delete(finished(site)),
    f"put {PREDICTIONS}/{{prediction_id}}/label 204": lambda site: site.client.put(
        f"{finished(site)}/label", json={"digit": 7}
    ),
    f"get {PREDICTIONS}/{{prediction_id}}/events 200": lambda site: site.client.get(f"{finished(site)}/events"),
    "get /api/v1/corrections 200": lambda site: site.client.get("/api/v1/corrections"),
    "post /predict 200": lambda site: post_and_be_answered(site, "/predict", data=SEVEN_URL),
    "get /api/v1/status 200": lambda site: site.client.get("/api/v1/status"),
    "get /healthz 200": lambda site: site.client.get("/healthz"),
    "get /readyz 200": ready,
    "get /readyz 503": lambda site: site.client.get("/readyz"),
    "get /metrics 200": lambda site: site.client.get("/metrics"),
    "get /openapi.json 200": lambda site: site.client.get("/openapi.json"),
}


@pytest.fixture
def paths(site: Site) -> dict[str, Any]:
    """Give the document's calls: address -> method -> description."""
    return site.client.get("/openapi.json").get_json()["paths"]


def answers(paths: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield "method address status" and its description for each answer that is no problem."""
    for path, item in paths.items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                if "application/problem+json" not in answer.get("content", {}):
                    yield f"{method} {path} {status}", answer


def test_every_call_is_described(site: Site, paths: dict[str, Any]) -> None:
    rules = {str(rule) for rule in site.app.url_map.iter_rules()}
    assert {re.sub(r"<(?:[^<>]+:)?(\w+)>", r"{\1}", rule) for rule in rules - PAGES} == set(paths)
    assert rules >= PAGES


def test_every_good_answer_is_tried(paths: dict[str, Any]) -> None:
    assert set(GOOD) == {name for name, _ in answers(paths)}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_answer_has_its_status_its_type_and_its_headers(site: Site, paths: dict[str, Any], name: str) -> None:
    told = dict(answers(paths))[name]
    response = GOOD[name](site)
    assert response.status_code == int(name.rpartition(" ")[2])
    assert response.mimetype in (told.get("content") or {response.mimetype})
    for header in told["headers"]:
        assert response.headers[header], header


def test_every_header_that_has_a_meaning_is_used_by_a_call(paths: dict[str, Any]) -> None:
    operations = [operation for item in paths.values() for operation in item.values()]
    sent = {p["name"] for operation in operations for p in operation["parameters"] if p["in"] == "header"}
    told = {name for o in operations for response in o["responses"].values() for name in response["headers"]}
    assert (sent, told) == (set(SENT), set(ANSWERED))


def test_a_store_that_is_away_is_a_documented_problem_of_each_call_that_needs_it(
    new_site: Callable[..., Site], paths: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    site = new_site(store_url=f"sqlite:///{tmp_path}/file/quill.db")
    for path, item in paths.items():
        for method, operation in item.items():
            body: dict[str, Any] = BODIES.get(path, PNG)
            address = path.replace("{prediction_id}", NOBODY)
            response = site.client.open(address, method=method, **(body if method in {"put", "post"} else {}))
            away = response.mimetype == "application/problem+json"
            assert away == ("store-unavailable" in str(operation["responses"])), f"{method} {path}"
            assert not away or response.get_json()["type"] == "/problems/store-unavailable"


def test_the_document_describes_itself(paths: dict[str, Any]) -> None:
    (answer,) = paths["/openapi.json"]["get"]["responses"]["200"]["content"].values()
    assert answer["schema"] == {"type": "object"}


def test_the_calls_that_may_ask_for_a_key_say_so(site: Site, paths: dict[str, Any]) -> None:
    (name,) = site.client.get("/openapi.json").get_json()["components"]["securitySchemes"]
    guarded = {path: call["security"] for path, item in paths.items() for call in item.values() if "security" in call}
    assert guarded == {path: [{}, {name: []}] for path in (PREDICTIONS, "/api/v1/corrections")}


def test_the_location_is_where_the_prediction_is_told(site: Site) -> None:
    drawn = site.client.post(PREDICTIONS, **PNG)
    assert site.client.get(drawn.headers["Location"]).get_json()["id"] == drawn.get_json()["id"]


def test_the_etag_changes_with_each_change(site: Site) -> None:
    prediction_id = site.draw()["id"]
    address = f"{PREDICTIONS}/{prediction_id}"
    etags = [site.client.get(address).headers["ETag"]]
    site.finish(prediction_id)
    etags.append(site.client.get(address).headers["ETag"])
    site.client.put(f"{address}/label", json={"digit": 1})
    etags.append(site.client.get(address).headers["ETag"])
    assert len(set(etags)) == 3
    assert [site.client.get(address, headers={"If-None-Match": etag}).status_code for etag in etags] == [200, 200, 304]


def test_a_preference_that_was_not_met_in_time_is_not_told_as_applied(site: Site) -> None:
    answer = site.client.post(PREDICTIONS, headers={"Prefer": "respond-async, wait=1"}, **PNG)
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


def test_the_wait_that_is_granted_is_told(site: Site) -> None:
    answer = post_and_be_answered(site, PREDICTIONS, headers={"Prefer": "handling=strict, wait=999"}, **PNG)
    assert answer.headers["Preference-Applied"] == "wait=30"


def test_a_wait_goes_on_while_the_drawing_itself_takes_long_to_be_accepted(new_site: Callable[..., Site]) -> None:
    site = new_site(waiting_limit=1)  # one place is enough

    def read_late(pngs: Sequence[bytes]) -> Reading:
        reading: Reading = Future()
        Timer(2.5 * LOOK_S, lambda: reading.set_result(read_here(pngs))).start()
        return reading

    def answer(jobs: Sequence[Job]) -> None:
        site.finish(jobs[0].id)

    app = create_app(site.settings, store=site.store, submit=answer, read=read_late)
    assert app.test_client().post("/predict", data=SEVEN_URL).get_json() == [7]


def test_caches_are_told_that_the_answer_hangs_on_the_preference(site: Site) -> None:
    for headers in ({}, {"Prefer": "wait=20"}):
        answer = post_and_be_answered(site, PREDICTIONS, headers=headers, **PNG)
        assert answer.headers["Vary"] == "Prefer"


def test_the_server_timing_is_that_of_the_stages(site: Site) -> None:
    assert site.client.get(finished(site)).headers["Server-Timing"] == "queued;dur=1.0, classified;dur=2.5"


def test_readiness_tells_the_model_versions_of_the_live_workers(site: Site) -> None:
    for name, version in (("a", "m-2"), ("b", "m-1"), ("c", "m-2")):
        tell_alive(site.redis, name, {"model_version": version})
    assert site.client.get("/readyz").get_json()["model_versions"] == ["m-1", "m-2"]


def test_a_queue_that_answers_but_does_not_tell_of_its_workers_is_not_ready(
    site: Site, new_site: Callable[..., Site]
) -> None:
    site.redis.acl_setuser("deaf", enabled=True, passwords=["+p"], commands=["-@all", "+ping", "+select"])
    url = site.settings.redis_url.get_secret_value().replace("redis://", "redis://deaf:p@")
    answer = new_site(redis_url=url).client.get("/readyz")
    assert answer.status_code == 503
    assert "permission" in answer.get_json()["queue"]


def test_an_integer_may_be_written_with_a_point(site: Site) -> None:
    label = f"{finished(site)}/label"
    assert site.client.put(label, data='{"digit": 6.0}', content_type="application/json").status_code == 204
    assert site.client.put(label, data='{"digit": 6.5}', content_type="application/json").status_code == 422


@pytest.mark.parametrize(
    ("correction", "label"),
    [({"digit": 0}, "0"), ({"digits": "7"}, "7"), ({"digits": "00704321"}, "00704321"), ({"digits": ""}, "")],
)
def test_a_correction_is_a_digit_or_a_number_or_no_digit(site: Site, correction: dict[str, Any], label: str) -> None:
    address = finished(site)
    assert site.client.get(address).get_json()["label"] is None
    assert site.client.put(f"{address}/label", json=correction).status_code == 204
    assert site.client.get(address).get_json()["label"] == label


@pytest.mark.parametrize(
    ("correction", "slug"),
    [
        ({}, "missing-field"),
        ({"digit": 7, "digits": "7"}, "wrong-length"),
        ({"digit": None}, "invalid-type"),
        ({"digit": "7"}, "invalid-type"),
        ({"digit": -1}, "out-of-range"),
        ({"digits": None}, "invalid-type"),
        ({"digits": 7}, "invalid-type"),
        ({"digits": "7 "}, "out-of-range"),
        ({"digits": "seven"}, "out-of-range"),
        ({"digits": "123456789"}, "out-of-range"),
        ({"digits": "\u0667"}, "out-of-range"),
    ],
)
def test_a_correction_that_makes_no_sense_is_a_problem(site: Site, correction: dict[str, Any], slug: str) -> None:
    address = finished(site)
    refused = site.client.put(f"{address}/label", json=correction)
    assert (refused.status_code, refused.get_json()["type"]) == (422, f"/problems/{slug}")
    assert site.client.get(address).get_json()["label"] is None
