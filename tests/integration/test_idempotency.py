"""Idempotency-Key: the same key and drawing are one prediction, whatever happened in between."""

import pytest

from shared.contract import new_id
from tests.services.pngs import SEVEN
from tests.services.site import Site

pytestmark = pytest.mark.integration

DRAWINGS = "/api/v1/predictions"


def test_asking_again_gives_the_same_prediction_and_no_second_job(site: Site) -> None:
    first = site.draw(Idempotency_Key="k1")
    again = site.draw(Idempotency_Key="k1")
    assert again["id"] == first["id"]
    assert site.store.backlog() == 1


def test_asking_again_after_the_answer_gives_the_answer(site: Site) -> None:
    first = site.draw(Idempotency_Key="k1")
    site.finish(first["id"])
    assert site.draw(Idempotency_Key="k1")["digits"] == "7"


@pytest.mark.parametrize("other", ["k" * 254 + "l", "k" * 254 + "K"])
def test_another_key_is_another_drawing(site: Site, other: str) -> None:
    assert site.draw(Idempotency_Key="k" * 255)["id"] != site.draw(Idempotency_Key=other)["id"]


def test_a_request_that_was_cut_off_after_its_key_was_taken_is_made_up_for(site: Site) -> None:
    """A web process that dies between the claim and the add leaves a key that stands for nothing."""
    first = site.draw(Idempotency_Key="k1")
    digest, _ = site.store.claim("k1", "", new_id())
    orphan = new_id()
    site.store.claim("k2", digest, orphan)
    assert site.draw(Idempotency_Key="k2")["id"] == orphan != first["id"]
    assert [job.id for job in site.wait_for_sent(2)] == [first["id"], orphan]


def test_a_key_does_not_bring_back_what_was_deleted(site: Site) -> None:
    first = site.draw(Idempotency_Key="k1")
    assert site.client.delete(f"{DRAWINGS}/{first['id']}").status_code == 204
    headers = {"Idempotency-Key": "k1"}
    response = site.client.post(DRAWINGS, data=SEVEN, content_type="image/png", headers=headers)
    assert response.status_code == 404
    assert site.store.backlog() == 0


def test_the_same_key_with_another_drawing_is_refused(site: Site) -> None:
    site.draw(Idempotency_Key="k1")
    other = SEVEN + b"\0"  # bytes behind the end of a PNG
    response = site.client.post(DRAWINGS, data=other, content_type="image/png", headers={"Idempotency-Key": "k1"})
    assert (response.status_code, response.get_json()["type"]) == (422, "/problems/idempotency-mismatch")


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
def test_a_key_that_is_no_key_is_refused(site: Site, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    response = site.client.post(DRAWINGS, data=SEVEN, content_type="image/png", headers=headers)
    assert (response.status_code, response.get_json()["type"]) == (400, "/problems/invalid-idempotency-key")
    assert site.store.backlog() == 0
