"""The operator's page: how the queue and its workers do, live."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Visitor, recorded, visiting
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


def gauge(visitor: Visitor, name: str) -> str:
    return f"#gauges article:has(h2:text-is('{name}')) .number"


def test_it_shows_workers_and_batches_of_a_service_that_is_well(visitor: Visitor, quill: Quill) -> None:
    visitor.predict("3")
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    page = visitor.page
    page.get_by_role("link", name="Queue and workers").click()
    expect(page.locator("#state")).to_have_text("All is well.")
    expect(page.locator(gauge(visitor, "Workers"))).to_have_text("1")
    expect(page.locator(gauge(visitor, "Backlog"))).to_have_text("0")
    expect(page.get_by_role("row", name=prediction["worker"])).to_contain_text(prediction["model_version"])


def test_a_backlog_is_seen_to_grow_and_a_server_that_is_down_is_told(
    chromium: Browser, new_quill: Callable[..., Quill]
) -> None:
    quill = new_quill()
    web = quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        operator = visitor.page.context.new_page()
        operator.goto(f"{quill.address}/operator")
        expect(operator.locator("#state")).to_have_text("No worker is alive, so drawings are kept and wait.")
        expect(operator.locator(gauge(visitor, "Backlog"))).to_have_text("0")
        visitor.draw(recorded("3"))
        visitor.press("Predict it")
        expect(operator.locator(gauge(visitor, "Backlog"))).to_have_text("1")
        web.stop()
        expect(operator.locator("#state")).to_contain_text("Quill cannot be reached.")
        quill.start_web()
        expect(operator.locator("#state")).to_have_text("No worker is alive, so drawings are kept and wait.")
