"""The operator's page: how the queue and its workers do, live."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.visitor import SCREENSHOTS, Visitor, photograph, recorded, visiting
from tests.services.process import free_port, wait_until
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


MANY_AT_ONCE = """async () => {
  const body = await new Promise((resolve) => document.getElementById("pad").toBlob(resolve));
  const headers = { "Content-Type": "image/png" };
  const send = () => fetch("api/v1/predictions", { method: "POST", body, headers });
  await Promise.all(Array.from({ length: 100 }, send));
}"""


def gauge(page: Page, name: str) -> Locator:
    return page.locator(f"#gauges article:has(h2:text-is('{name}'))")


def peak(page: Page, name: str) -> float:
    found = re.search(r"peak ([\d.]+)", gauge(page, name).inner_text())
    return float(found[1]) if found else 0.0


def heights(page: Page, name: str) -> list[str]:
    """Return the heights of the points on a gauge's line."""
    path = gauge(page, name).locator("path").get_attribute("d") or ""
    return re.findall(r",([\d.]+)", path)


def test_it_shows_workers_and_batches_of_a_service_that_is_well(visitor: Visitor, quill: Quill) -> None:
    visitor.predict("3")
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    page = visitor.page
    page.get_by_role("link", name="Queue and workers").click()
    expect(page.locator("#state")).to_have_text("All is well.")
    expect(gauge(page, "Workers").locator(".number")).to_have_text("1")
    expect(gauge(page, "Backlog").locator(".number")).to_have_text("0")
    expect(page.get_by_role("row", name=prediction["worker"])).to_contain_text(prediction["model_version"])


def test_under_load_rate_and_batches_are_seen_to_grow(visitor: Visitor) -> None:
    visitor.draw(recorded("3"))
    operator = visitor.page.context.new_page()
    operator.goto(f"{visitor.address}/operator")
    looks = 60 if SCREENSHOTS else 2  # a picture deserves a minute

    def have_grown() -> bool:
        visitor.page.evaluate(MANY_AT_ONCE)
        return len(heights(operator, "Rate")) > looks and peak(operator, "Batch") > 1 and peak(operator, "Rate") > 1

    wait_until(have_grown, "rate and batches have grown", seconds=120)
    assert len(set(heights(operator, "Rate"))) > 1  # the line is not flat
    photograph(operator, "operator")


def test_without_redis_workers_are_not_counted(chromium: Browser, tmp_path: Path) -> None:
    quill = Quill(tmp_path, f"redis://127.0.0.1:{free_port()}/0")
    with ExitStack() as stack:
        stack.callback(quill.stop)
        quill.start_web()
        visitor = stack.enter_context(visiting(chromium, quill.address))
        visitor.page.goto(f"{quill.address}/operator")
        expect(visitor.page.locator("#state")).to_contain_text("Redis is away")
        expect(visitor.page.locator("#workers")).to_have_text("None is heard of.")
        expect(gauge(visitor.page, "Workers").locator(".number")).to_have_text("\N{EN DASH}")


def test_a_backlog_is_seen_to_grow_and_a_server_that_is_down_is_told(
    chromium: Browser, new_quill: Callable[..., Quill]
) -> None:
    quill = new_quill()
    web = quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        operator = visitor.page.context.new_page()
        operator.goto(f"{quill.address}/operator")
        expect(operator.locator("#state")).to_have_text("No worker is alive, so drawings are kept and wait.")
        expect(gauge(operator, "Backlog").locator(".number")).to_have_text("0")
        visitor.page.bring_to_front()  # a page behind another is drawn on in slow motion
        visitor.draw(recorded("3"))
        visitor.press("Predict it")
        expect(gauge(operator, "Backlog").locator(".number")).to_have_text("1")
        web.stop()
        expect(operator.locator("#state")).to_contain_text("Quill cannot be reached.")
        quill.start_web()
        expect(operator.locator("#state")).to_have_text("No worker is alive, so drawings are kept and wait.")
