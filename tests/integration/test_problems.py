"""Every kind of problem has a page that tells its cure, and none tells more or less than its reader can use."""

import io
from collections.abc import Callable
from typing import NoReturn

import pytest
from markupsafe import escape

from shared.settings import Settings
from tests.services.pngs import SEVEN_URL
from tests.services.site import Site
from web.problems import KINDS

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("slug", KINDS)
def test_the_type_leads_to_a_page_that_tells_the_cure(site: Site, slug: str) -> None:
    page = site.client.get(f"/problems/{slug}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert slug in page.text
    assert str(escape(KINDS[slug].cure)) in page.text


def test_whoever_finds_no_place_to_wait_at_the_seeds_call_has_nothing_accepted(new_site: Callable[..., Site]) -> None:
    site = new_site(waiting_limit=1)
    drawn = site.draw()["id"]
    _taken = site.client.get(f"/api/v1/predictions/{drawn}/events")  # the one place, held as long as this answer is
    refused = site.client.post("/predict", data=SEVEN_URL)
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


def fail() -> NoReturn:
    raise ZeroDivisionError


def test_a_mistake_of_quill_shows_nothing_of_its_inside(site: Site) -> None:
    site.app.view_functions["status.status"] = fail
    told = site.client.get("/api/v1/status").text
    assert "ZeroDivisionError" not in told
    assert "Traceback" not in told


def test_a_cure_names_only_settings_that_are_there() -> None:
    named = {word.strip("().,;") for kind in KINDS.values() for word in kind.cure.split() if "QUILL_" in word}
    assert named
    assert named <= {f"QUILL_{name.upper()}" for name in Settings.model_fields}
