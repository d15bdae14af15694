"""Server-sent events: who listens is told each change, and never takes the threads of others."""

import json
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from werkzeug.test import TestResponse

from tests.services.process import wait_until
from tests.services.quill import PREDICTIONS, Quill, draw
from tests.services.site import NOBODY, Site
from web.events import stream

pytestmark = pytest.mark.integration


def listen(site: Site, prediction_id: str) -> TestResponse:
    return site.client.get(f"/api/v1/predictions/{prediction_id}/events")


def told(response: TestResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events, comments left out, as a browser does."""
    for chunk in response.iter_encoded():
        for block in chunk.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                yield fields["event"], json.loads(fields["data"])


def test_the_present_state_is_told_at_once_and_the_stream_ends_with_the_final_one(site: Site) -> None:
    prediction_id = site.draw()["id"]
    response = listen(site, prediction_id)
    events = told(response)
    assert next(events)[1]["state"] == "queued"
    site.finish(prediction_id)
    name, last = next(events)
    assert (name, last["state"], last["digit"]) == ("prediction", "done", 7)
    assert last == site.client.get(f"/api/v1/predictions/{prediction_id}").get_json()
    assert list(events) == []
    assert (response.mimetype, response.headers["Cache-Control"]) == ("text/event-stream", "no-store")


def test_a_finished_prediction_is_told_and_the_stream_ends(site: Site) -> None:
    prediction_id = site.draw()["id"]
    site.finish(prediction_id)
    assert [event["state"] for _, event in told(listen(site, prediction_id))] == ["done"]


def test_the_stream_of_a_forgotten_prediction_ends(site: Site) -> None:
    prediction_id = site.draw()["id"]
    events = told(listen(site, prediction_id))
    next(events)
    site.client.delete(f"/api/v1/predictions/{prediction_id}")
    assert list(events) == []


def test_an_unknown_id_is_a_problem_and_no_stream(site: Site) -> None:
    response = listen(site, NOBODY)
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


def test_a_silent_stream_is_kept_open_by_comments_and_does_not_last_for_ever(site: Site) -> None:
    prediction_id = site.draw()["id"]
    prediction = site.store.get([prediction_id])[prediction_id]
    first, *rest = stream(prediction, SimpleQueue(), heartbeat_s=0.05, longest_s=0.2)
    assert first.startswith("event: prediction")
    assert rest
    assert set(rest) == {":\n\n"}


def test_who_listens_takes_a_place_and_gives_it_back(new_site: Callable[..., Site]) -> None:
    site = new_site(waiting_limit=1)
    prediction_id = site.draw()["id"]
    first = listen(site, prediction_id)
    refused = listen(site, prediction_id)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/too-many-waiting")
    assert int(refused.headers["Retry-After"]) > 0
    first.close()
    assert listen(site, prediction_id).status_code == 200


def test_a_client_that_leaves_gives_its_place_back(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill(waiting_limit=1)
    quill.start_web()
    events = f"{quill.address}{PREDICTIONS}/{draw(quill.address)['id']}/events"
    with urlopen(events, timeout=60) as first:
        assert first.readline() == b"event: prediction\n"
        assert not _opens(events)
    wait_until(lambda: _opens(events), "the place is free again")


def _opens(address: str) -> bool:
    try:
        urlopen(address, timeout=60).close()
    except HTTPError:
        return False
    return True
