"""The history: newest first, pages that stay, and who may read it."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from shared.contract import PICTURE_BYTES, Job, Prediction, new_id, now_ms
from shared.store import Store, StoreUnavailableError
from tests.services.process import wait_until
from tests.services.site import Site
from tests.services.store import a_job, works
from training.corrections import read_corrections
from training.datasets import NOT_A_DIGIT, DatasetError
from web.corrections import BROKEN_OFF
from web.parts import Parts

pytestmark = pytest.mark.integration

HISTORY = "/api/v1/predictions"


@pytest.fixture(params=["sqlite", "cassandra"])
def site(request: pytest.FixtureRequest, new_site: Callable[..., Site]) -> Site:
    """Give a web application on either store."""
    if request.param == "sqlite":
        return new_site()
    site = new_site(store_url=request.getfixturevalue("cassandra_url"))
    wait_until(lambda: works(site.store), "its tables are there", seconds=120)
    return site


def test_pages_stay_the_same_while_new_ones_arrive(site: Site) -> None:
    now = now_ms() - 1000
    jobs = [a_job(now - age_ms) for age_ms in (0, 0, 0, 1, 1)]  # a batch is often of one millisecond
    site.store.add(jobs)
    for job in jobs[1:3]:
        site.finish(job.id, finished_ms=now + 40)
    first = site.client.get(f"{HISTORY}?limit=2")
    site.draw()
    seen, page = first.get_json()["predictions"], first.get_json()
    while page["next"] and len(seen) <= len(jobs):
        page = site.client.get(f"{HISTORY}?limit=2&before={page['next']}").get_json()
        seen += page["predictions"]
    assert sorted(prediction["id"] for prediction in seen) == sorted(job.id for job in jobs)
    times = [prediction["accepted_at"] for prediction in seen]
    assert times == sorted(times, reverse=True)


def test_a_page_links_to_the_next_one_of_its_size(site: Site) -> None:
    for _ in range(5):
        site.draw()
    page = site.client.get(f"{HISTORY}?limit=2")
    sizes = [len(page.get_json()["predictions"])]
    while link := page.headers.get("Link"):
        path, _, relation = link.partition("; ")
        assert relation == 'rel="next"'
        page = site.client.get(path.strip("<>"))
        sizes.append(len(page.get_json()["predictions"]))
    assert sizes == [2, 2, 1]
    assert page.get_json()["next"] is None


def test_an_entry_is_the_prediction_itself(site: Site) -> None:
    prediction_id = site.draw()["id"]
    site.finish(prediction_id)
    (entry,) = site.client.get(HISTORY).get_json()["predictions"]
    assert entry == site.client.get(f"{HISTORY}/{prediction_id}").get_json()


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("limit=0", "out-of-range"),
        ("limit=-1", "out-of-range"),
        ("limit=1000000000", "out-of-range"),
        ("limit=abc", "invalid-type"),
        ("before=yesterday", "invalid-cursor"),
        ("before=", "invalid-cursor"),
        ("before=1_" + "-" * 36, "invalid-cursor"),
    ],
)
def test_a_query_that_makes_no_sense_is_a_problem(new_site: Callable[..., Site], query: str, slug: str) -> None:
    response = new_site().client.get(f"{HISTORY}?{query}")
    assert (response.status_code, response.get_json()["type"]) == (422, f"/problems/{slug}")
    assert response.get_json()["detail"].startswith(f"{query.partition('=')[0]}: ")


@pytest.mark.parametrize(
    "authorization", [None, "Bearer Secret", "Bearer secre", "Bearer schlüssel", "secret", "Basic secret"]
)
def test_with_a_key_set_only_the_key_reads_it(new_site: Callable[..., Site], authorization: str | None) -> None:
    site = new_site(api_key="secret")
    site.draw()
    headers = {} if authorization is None else {"Authorization": authorization}
    refused = site.client.get(HISTORY, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (401, "/problems/key-needed")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    allowed = site.client.get(HISTORY, headers={"Authorization": "Bearer secret"})
    assert len(allowed.get_json()["predictions"]) == 1


@pytest.mark.parametrize("authorization", ["bearer secret", "BEARER  secret"])
def test_the_scheme_of_a_key_may_be_written_in_any_case(new_site: Callable[..., Site], authorization: str) -> None:
    site = new_site(api_key="secret")
    assert site.client.get(HISTORY, headers={"Authorization": authorization}).status_code == 200


def test_corrections_are_exported_with_their_pictures(site: Site) -> None:
    digit, scribble = site.draw()["id"], site.draw()["id"]
    site.draw()
    site.finish(scribble)
    sent = site.wait_for_sent(2)
    number = Job(new_id(), (bytes(PICTURE_BYTES), *sent[0].pictures), now_ms())
    site.store.add([number])
    labels = {digit: "3", scribble: "", number.id: "47"}
    for prediction_id, label in labels.items():
        site.client.put(f"{HISTORY}/{prediction_id}/label", json={"digits": label})
    lines = [json.loads(line) for line in site.client.get("/api/v1/corrections").text.splitlines()]
    assert {line["id"]: line["label"] for line in lines} == labels
    pictures = {line["id"]: tuple(map(b64decode, line["pictures"])) for line in lines}
    assert pictures == {digit: sent[0].pictures, scribble: sent[1].pictures, number.id: number.pictures}


def test_training_reads_what_is_exported(site: Site, tmp_path: Path) -> None:
    digit, scribble, split_wrongly = (site.draw()["id"] for _ in range(3))
    seven = site.wait_for_sent(1)[0].pictures
    number = Job(new_id(), (bytes(PICTURE_BYTES), *seven), now_ms())
    site.store.add([number])
    for prediction_id, label in {digit: "3", scribble: "", split_wrongly: "12", number.id: "47"}.items():
        site.client.put(f"{HISTORY}/{prediction_id}/label", json={"digits": label})
    file = tmp_path / "corrections.jsonl"
    file.write_bytes(site.client.get("/api/v1/corrections").data)
    examples = read_corrections(file)
    assert sorted(examples.labels) == [3, 4, 7, NOT_A_DIGIT]
    pictures = {
        int(label): picture.tobytes() for label, picture in zip(examples.labels, examples.pictures, strict=True)
    }
    assert pictures == dict.fromkeys((3, 7, NOT_A_DIGIT), seven[0]) | {4: bytes(PICTURE_BYTES)}


def test_with_a_key_set_only_the_key_reads_the_corrections(new_site: Callable[..., Site]) -> None:
    site = new_site(api_key="secret")
    assert site.client.get("/api/v1/corrections").status_code == 401
    allowed = site.client.get("/api/v1/corrections", headers={"Authorization": "Bearer secret"})
    assert (allowed.status_code, allowed.text) == (200, "")


class Broken:
    """As much of a store as is exported, which breaks off."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def corrections(self) -> Iterator[Prediction]:
        yield Prediction(new_id(), (bytes(PICTURE_BYTES),), now_ms(), label="3")
        raise self._error


@pytest.mark.parametrize("error", [StoreUnavailableError("away"), ZeroDivisionError("a mistake")])
def test_an_export_that_breaks_off_passes_for_no_whole_one(
    new_site: Callable[..., Site], tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    site = new_site()
    parts: Parts = site.app.extensions["quill"]
    replace(parts, store=cast("Store", Broken(error))).install(site.app)
    told = site.client.get("/api/v1/corrections").text
    whole, broken = told.splitlines(keepends=True)
    assert (json.loads(whole)["label"], broken) == ("3", BROKEN_OFF)
    assert f"an export broke off: {error}" in caplog.text
    file = tmp_path / "corrections.jsonl"
    file.write_text(told)
    with pytest.raises(DatasetError):
        read_corrections(file)


def test_who_reads_the_corrections_holds_a_place_until_the_end(new_site: Callable[..., Site]) -> None:
    site = new_site(waiting_limit=1)
    first = site.client.get("/api/v1/corrections")
    refused = site.client.get("/api/v1/corrections")
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/too-many-waiting")
    first.close()
    assert site.client.get("/api/v1/corrections").status_code == 200
