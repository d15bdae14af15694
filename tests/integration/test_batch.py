"""The batch call: one entry for each drawing, and a bad one spoils nothing but its own."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.contract import PICTURE_BYTES
from shared.reader import read_here
from shared.reading import TOGETHER, Reading
from tests.services.pngs import SEVEN_URL
from tests.services.site import Site
from web.parts import Parts

pytestmark = pytest.mark.integration

BATCH = "/api/v1/predictions/batch"
PNG: dict[str, object] = {"image": SEVEN_URL}
RAW: dict[str, object] = {"picture": b64encode(bytes(range(256)) * 3 + bytes(16)).decode()}


def send(site: Site, drawings: Sequence[object], **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.post(BATCH, json={"drawings": drawings}, headers=named)


def entries(response: TestResponse) -> list[dict[str, Any]]:
    return response.get_json()["predictions"]


def test_each_drawing_is_a_prediction_in_its_place(site: Site) -> None:
    response = send(site, [PNG, RAW, PNG])
    assert response.status_code == 202
    ids = [entry["id"] for entry in entries(response)]
    assert [job.id for job in site.wait_for_sent(len(ids))] == ids
    assert [entry["pictures"] for entry in entries(response)][1] == [RAW["picture"]]
    assert site.client.get(f"/api/v1/predictions/{ids[2]}").get_json()["state"] == "queued"


@pytest.mark.parametrize(
    ("slug", "bad"),
    [
        pytest.param("invalid-data-url", {"image": "seven"}, id="no data URL"),
        pytest.param("undecodable-image", {"image": SEVEN_URL[:198]}, id="half a PNG"),
        pytest.param("wrong-length", {"picture": b64encode(bytes(9)).decode()}, id="nine bytes"),
        pytest.param("invalid-base64", {"picture": "seven"}, id="no base64"),
        pytest.param("blank-drawing", {"picture": b64encode(bytes(PICTURE_BYTES)).decode()}, id="no ink"),
        pytest.param("unknown-field", PNG | RAW, id="both"),
        pytest.param("missing-field", {}, id="neither"),
        pytest.param("invalid-type", {"picture": 7}, id="a number"),
        pytest.param("invalid-body", None, id="nothing"),
    ],
)
def test_a_bad_drawing_is_marked_in_its_place_and_the_others_are_accepted(site: Site, slug: str, bad: object) -> None:
    first, marked, last = entries(send(site, [PNG, bad, RAW]))
    assert marked["problem"]["type"] == f"/problems/{slug}"
    assert [job.id for job in site.wait_for_sent(2)] == [first["id"], last["id"]]


def test_nothing_is_queued_when_all_are_bad(site: Site) -> None:
    assert [list(entry) for entry in entries(send(site, [{}, {}]))] == [["problem"], ["problem"]]
    assert site.store.backlog() == 0


def test_who_prefers_to_wait_gets_all_answers(site: Site) -> None:
    site.answer_at_once()
    response = send(site, [PNG, {}, RAW], Prefer="wait=20")
    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "wait=20"
    assert [entry.get("digits") for entry in entries(response)] == ["7", None, "7"]


def test_a_wait_that_is_over_answers_with_what_is_there(site: Site) -> None:
    site.on_submit = lambda jobs: site.finish(jobs[0].id)
    response = send(site, [PNG, RAW], Prefer="wait=1")
    assert response.status_code == 202
    assert [entry["state"] for entry in entries(response)] == ["done", "queued"]


def test_256_drawings_are_taken_and_one_more_is_too_many(site: Site) -> None:
    assert len(entries(send(site, [RAW] * 256))) == 256
    refused = send(site, [RAW] * 257)
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/wrong-length")
    assert site.store.backlog() == 256


def test_a_batch_may_be_larger_than_a_single_drawing_but_not_endless(site: Site) -> None:
    text = "x" * site.settings.body_limit
    assert send(site, [PNG, text]).status_code == 202
    assert send(site, [text] * 4).status_code == 413


def test_a_key_for_many_is_refused(site: Site) -> None:
    response = send(site, [PNG], Idempotency_Key="k1")
    assert (response.status_code, response.get_json()["type"]) == (400, "/problems/invalid-idempotency-key")
    assert site.sent == []


def test_a_batch_counts_as_many_drawings_against_the_client(new_site: Callable[..., Site]) -> None:
    site = new_site(client_limit=3)
    assert send(site, [RAW] * 2).status_code == 202
    assert send(site, [RAW] * 2).status_code == 429


def test_what_others_draw_comes_in_between_the_goes_of_a_batch(site: Site) -> None:
    goes: list[Reading] = []
    with ThreadPoolExecutor(1) as reader:

        def read(pngs: Sequence[bytes]) -> Reading:
            assert all(go.done() for go in goes), "a go was handed in before the last one was read"
            goes.append(reader.submit(read_here, pngs))
            return goes[-1]

        parts: Parts = site.app.extensions["quill"]
        replace(parts, read=read).install(site.app)
        assert len(entries(send(site, [PNG] * (2 * TOGETHER + 1)))) == 2 * TOGETHER + 1
    assert [len(go.result()) for go in goes] == [TOGETHER, TOGETHER, 1]
