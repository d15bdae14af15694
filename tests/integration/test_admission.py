"""The door: what could not be answered soon is refused before anything is promised."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from shared.contract import PICTURE_BYTES, Job, new_id, now_ms
from tests.services.pngs import SEVEN, SEVEN_URL, blank
from tests.services.site import Site
from web.admission import LONGEST_S, Admission
from web.backlog import Measure
from web.problems import Problem
from web.shares import Shares

pytestmark = pytest.mark.integration

DRAWINGS = "/api/v1/predictions"


def add(site: Site, jobs: int) -> None:
    site.store.add([Job(new_id(), (bytes(PICTURE_BYTES),), now_ms()) for _ in range(jobs)])


def test_above_the_limit_of_the_backlog_nothing_is_promised(new_site: Callable[..., Site]) -> None:
    site = new_site(backlog_limit=3)
    add(site, 3)
    site.measure()
    response = site.client.post(DRAWINGS, data=SEVEN, content_type="image/png")
    assert (response.status_code, response.get_json()["type"]) == (503, "/problems/overloaded")
    assert "no more than 3 may" in response.get_json()["detail"]
    assert 1 <= int(response.headers["Retry-After"]) <= LONGEST_S
    assert site.store.backlog() == 3


def test_drawings_that_came_since_the_backlog_was_measured_count(new_site: Callable[..., Site]) -> None:
    site = new_site(backlog_limit=3)
    batches = [{"drawings": [{"image": SEVEN_URL}] * drawings} for drawings in (2, 2, 1, 1)]
    statuses = [site.client.post(f"{DRAWINGS}/batch", json=batch).status_code for batch in batches]
    assert statuses == [202, 503, 202, 503]


def test_what_is_no_drawing_takes_no_room_after_the_next_measure(new_site: Callable[..., Site]) -> None:
    site = new_site(backlog_limit=1)
    assert site.client.post(DRAWINGS, data=blank(28, 28), content_type="image/png").status_code == 422
    site.measure()  # which finds what the last one found
    assert site.client.post(DRAWINGS, data=SEVEN, content_type="image/png").status_code == 202


def send(site: Site, client: str) -> TestResponse:
    """Send a drawing through a proxy that tells whose it is."""
    headers = {"X-Forwarded-For": client}
    return site.client.post(DRAWINGS, data=SEVEN, content_type="image/png", headers=headers)


def test_a_client_that_has_had_its_share_waits_and_others_do_not(new_site: Callable[..., Site]) -> None:
    site = new_site(client_limit=2, backlog_limit=3, trusted_proxies=1)
    assert [send(site, "10.0.0.1").status_code for _ in range(3)] == [202, 202, 429]
    refused = send(site, "10.0.0.1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "2 drawings a minute" in refused.get_json()["detail"]
    assert send(site, "10.0.0.2").status_code == 202


@pytest.mark.parametrize(
    ("first", "again", "another"),
    [
        ("10.0.0.1:1001", "10.0.0.1:1002", "10.0.0.2:1001"),
        ("[2001:db8::1]:1001", "[2001:db8::1]:1002", "[2001:db8::2]:1001"),
        ("[2001:db8::1]", "2001:db8::1", "2001:db8::2"),
    ],
)
def test_a_client_has_one_share_whatever_port_a_proxy_tells(
    new_site: Callable[..., Site], first: str, again: str, another: str
) -> None:
    site = new_site(client_limit=1, trusted_proxies=1)
    assert [send(site, client).status_code for client in (first, again, another)] == [202, 429, 202]


def test_without_a_proxy_nobody_takes_another_address_by_a_header(new_site: Callable[..., Site]) -> None:
    site = new_site(client_limit=1)
    assert [send(site, client).status_code for client in ("10.0.0.1", "10.0.0.2")] == [202, 429]


class FakeBacklog:
    """A backlog as it was measured."""

    def __init__(self, count: int | None, rate_per_s: float) -> None:
        self._measure = Measure(count, None, rate_per_s, "ok")

    def now(self) -> Measure:
        return self._measure


@pytest.mark.parametrize(("rate_per_s", "seconds"), [(0.0, LONGEST_S), (10.0, 10), (1000.0, 1), (0.1, LONGEST_S)])
def test_how_long_to_stay_away_follows_from_the_pace_of_the_workers(rate_per_s: float, seconds: int) -> None:
    door = Admission(FakeBacklog(1000, rate_per_s), Shares(1), backlog_limit=1000)  # pyright: ignore[reportArgumentType] - a stand-in
    with pytest.raises(Problem) as refused:
        door.admit("client")
    assert refused.value.retry_after_s == seconds


def test_while_the_store_is_away_the_store_refuses_and_not_the_door() -> None:
    Admission(FakeBacklog(None, 0.0), Shares(1), backlog_limit=1).admit("client")  # pyright: ignore[reportArgumentType] - a stand-in


def test_a_share_begins_anew_with_each_minute() -> None:
    now_s = [119.5]
    shares = Shares(2, clock=lambda: now_s[0])
    assert [shares.take("client", 1) for _ in range(3)] == [True, True, False]
    assert shares.take("another", 2)
    assert shares.renewed_in_s() == 1
    now_s[0] = 120.0
    assert [shares.take("client", count) for count in (3, 1, 2, 1, 1)] == [False, True, False, True, False]
    assert shares.take("another", 2)
    assert shares.renewed_in_s() == 60


@pytest.mark.parametrize("limits", [{"client_limit": 2}, {"backlog_limit": 2}])
def test_a_batch_that_is_never_taken_is_told_the_most_and_not_to_come_back(
    new_site: Callable[..., Site], limits: dict[str, int]
) -> None:
    site = new_site(**limits)
    refused = site.client.post(f"{DRAWINGS}/batch", json={"drawings": [{"image": SEVEN_URL}] * 3})
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/wrong-length")
    assert "No more than 2 drawings" in refused.get_json()["detail"]
    assert "Retry-After" not in refused.headers
    assert site.client.post(f"{DRAWINGS}/batch", json={"drawings": [{"image": SEVEN_URL}] * 2}).status_code == 202
