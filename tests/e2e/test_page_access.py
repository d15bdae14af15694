"""For everybody: an accessibility checker finds nothing, and what a person has asked their system for is kept."""

import io
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs] - it has none
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, Route, expect

import web
from tests.e2e.visitor import DESKTOP, PHONE, Visitor, photograph, recorded, visiting
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


def flaws(page: Page) -> str:
    """Return what axe finds, and all that it can check is checked."""
    results = Axe().run(page)
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(chromium: Browser, quill: Quill, scheme: str, options: dict[str, Any]) -> None:
    with visiting(chromium, quill.address, **options, color_scheme=scheme, reduced_motion="reduce") as visitor:
        assert not flaws(visitor.page)
        visitor.press("Predict it")
        expect(visitor.said).to_contain_text("blank")
        assert not flaws(visitor.page)
        visitor.predict("3")
        visitor.press("8")
        expect(visitor.page.locator("#corrected")).to_contain_text("8")
        visitor.page.get_by_text("Without a mouse").click()
        assert not flaws(visitor.page)
        visitor.page.goto(f"{quill.address}/operator")
        expect(visitor.page.locator("#workers td").first).to_be_visible()
        assert not flaws(visitor.page)
        visitor.page.context.set_offline(True)
        expect(visitor.page.locator("#state")).to_contain_text("Quill cannot be reached.")
        assert not flaws(visitor.page)


@pytest.mark.parametrize(
    ("name", "scheme", "options"),
    [("answer", "light", DESKTOP), ("dark", "dark", DESKTOP), ("phone", "light", PHONE), ("phone-dark", "dark", PHONE)],
)
def test_the_answer_is_shown_by_day_and_by_night(
    chromium: Browser, quill: Quill, name: str, scheme: str, options: dict[str, Any]
) -> None:
    with visiting(chromium, quill.address, **options, color_scheme=scheme) as visitor:
        for digit in "407":
            visitor.predict(digit)
            expect(visitor.answer).to_have_text(digit)
        colours = visitor.answer.evaluate("element => getComputedStyle(element).color.match(/\\d+/g).map(Number)")
        assert (sum(colours) < 300) is (scheme == "light")
        photograph(visitor.page, name)


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_who_wants_no_motion_sees_none(chromium: Browser, quill: Quill, wish: Any, moves: bool) -> None:
    with visiting(chromium, quill.address, reduced_motion=wish) as visitor:
        visitor.predict("3")
        bar = visitor.page.locator(".fill").first
        assert (bar.evaluate("bar => getComputedStyle(bar).transitionDuration") != "0s") is moves


def test_forced_colours_hide_neither_the_likeliest_digit_nor_the_edge_of_the_paper(
    chromium: Browser, quill: Quill
) -> None:
    with visiting(chromium, quill.address, forced_colors="active", reduced_motion="reduce") as visitor:
        visitor.predict("3")
        bar = visitor.page.locator(".best .track").bounding_box()
        paper = visitor.pad.bounding_box()
        assert bar
        assert paper
        assert shades(visitor.page, bar) > 1
        assert shades(visitor.page, {**paper, "x": paper["x"] - 3, "width": 6}) > 1


def test_forced_colours_leave_to_be_seen_what_is_chosen(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, forced_colors="active") as visitor:
        visitor.predict("3")
        visitor.press("8")
        for chosen in "#one [aria-pressed=true]", "#drawings [aria-current=true]":
            expect(visitor.page.locator(chosen)).to_have_css("border-width", "3px")


def shades(page: Page, box: FloatRect) -> int:
    """Return how many colours the part of the screen has."""
    return len(set(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("L").tobytes()))


def test_letters_twice_as_large_cut_nothing_off(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address) as visitor:
        visitor.predict("3")
        visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_is_under_50_kb_in_all() -> None:
    folder = Path(web.__file__).with_name("static")
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 50_000


def test_the_page_works_where_the_browser_may_keep_nothing(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address) as visitor:
        forbid = (
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
        )
        visitor.page.add_init_script(forbid)
        visitor.page.reload()
        visitor.draw(recorded("3"))
        visitor.press("Predict it")
        expect(visitor.answer).to_have_text("3")
        expect(visitor.drawings).to_have_count(1)


def test_the_page_works_without_tls_for_a_phone_in_the_same_network(chromium: Browser, quill: Quill) -> None:
    """There a browser keeps back what it has for secure pages alone, crypto.randomUUID for one."""
    there = "http://quill.test"

    def bring(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(there, quill.address)))

    with chromium.new_context(**DESKTOP) as context:
        context.route(f"{there}/**", bring)
        visitor = Visitor(context.new_page(), there)
        assert not visitor.page.evaluate("isSecureContext")
        visitor.draw(recorded("3"))
        visitor.press("Predict it")
        expect(visitor.answer).to_have_text("3")


FILL_MEMORY = """() => {
  localStorage.all = "";
  for (let room = 2 ** 22; room >= 1; room /= 2) {
    try {
      localStorage.all += "x".repeat(room);
    } catch {
      // as much as fits
    }
  }
}"""


def test_a_drawing_is_shown_where_the_browser_s_memory_is_full(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address) as visitor:
        visitor.predict("3")
        visitor.page.evaluate(FILL_MEMORY)
        visitor.predict("5")
        expect(visitor.drawings.locator(".read")).to_have_text(["5", "3"])
