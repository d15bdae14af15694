"""A person at the page, for tests: draws recorded strokes with real pointer events and reads what is shown."""

import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.services.pngs import png

Point = tuple[float, float]
Stroke = list[Point]
Box = tuple[float, float, float]  # left, top and side, in the paper's 280 units

WHOLE: Box = (45, 45, 190)
STROKES: dict[str, list[list[list[float]]]] = json.loads(Path(__file__).with_name("strokes.json").read_text())["digits"]
SCRIBBLE: list[Stroke] = [
    [(30 + 12 * n, 40 if n % 2 else 240) for n in range(19)],
    [(20, 60), (260, 200), (30, 210), (250, 70)],
]
SCREENSHOTS = bool(os.environ.get("SCREENSHOTS"))  # whether to make the README's pictures anew
PICTURES = Path(__file__).parents[2] / "docs" / "images"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 860}, "device_scale_factor": 1}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}

expect.set_options(timeout=30_000)


def recorded(digit: str, box: Box = WHOLE) -> list[Stroke]:
    """Return the strokes that a person made for the digit, in the middle of the box."""
    left, top, side = box
    strokes = STROKES[digit]
    left += side * (1 - max(x for stroke in strokes for x, _ in stroke) / 100) / 2
    return [[(left + x * side / 100, top + y * side / 100) for x, y in stroke] for stroke in strokes]


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page for the README, if that is asked for."""
    if SCREENSHOTS:
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True, animations="disabled")


class Visitor:
    """One browser tab on Quill.

    Attributes:
        page: Playwright's, for what only one test does.
        complaints: what the page broke: uncaught errors, its security policy, a third party asked.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.text))
        page.on("request", lambda request: self._see(request.url))
        page.goto(address)

    @property
    def pad(self) -> Locator:
        return self.page.get_by_label("Drawing area")

    @property
    def answer(self) -> Locator:
        return self.page.locator("#digits")

    @property
    def said(self) -> Locator:
        return self.page.locator("#said")

    @property
    def bars(self) -> Locator:
        return self.page.get_by_label("How likely each digit is").get_by_role("listitem")

    @property
    def stages(self) -> Locator:
        return self.page.locator("#stages li")

    @property
    def drawings(self) -> Locator:
        return self.page.locator("#drawings li")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def draw(self, strokes: list[Stroke], by: Literal["mouse", "touch"] = "mouse") -> None:
        """Draw strokes given in the paper's 280 units."""
        self.pad.scroll_into_view_if_needed()
        box = self.pad.bounding_box()
        assert box
        scale = box["width"] / 280
        for stroke in strokes:
            points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in stroke]
            self._touch(points) if by == "touch" else self._drag(points)

    def open_file(self, data: bytes, kind: str = "image/png") -> None:
        """Open a file as a picture."""
        self.page.get_by_label("Open a picture").set_input_files({"name": "digit", "mimeType": kind, "buffer": data})

    def place(self, picture: Image.Image) -> None:
        """Open the picture, and wait until it is on the blank paper."""
        self.open_file(png(picture))
        self.page.locator("#hint").wait_for(state="hidden")

    def hand_in(self, strokes: list[Stroke]) -> None:
        """Draw, ask, and wait until the drawing is accepted and listed, alone."""
        self.draw(strokes)
        self.press("Predict it")
        expect(self.drawings).to_have_count(1)

    def predict(self, digit: str, box: Box = WHOLE) -> None:
        """Draw the digit on a fresh paper, ask, and wait for some answer."""
        self.press("Clear it")
        self.draw(recorded(digit, box))
        self.press("Predict it")
        expect(self.answer).not_to_be_empty()

    def stop_the_clock(self) -> Callable[[int], None]:
        """Stop the page's time; return what lets it go on by so many milliseconds."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(60)
        return self.page.clock.run_for

    def drawing(self) -> str:
        """Return what the paper shows, as a data URL."""
        return self.pad.evaluate("canvas => canvas.toDataURL()")

    def predictions(self) -> list[str]:
        """Return the ids that this browser remembers, newest first."""
        return self.page.evaluate("JSON.parse(localStorage.getItem('quill.drawings') ?? '[]')")

    def server_has(self, prediction_id: str) -> dict[str, Any] | None:
        """Return what the interface tells of a prediction, None when it knows none."""
        response = self.page.request.get(f"{self.address}/api/v1/predictions/{prediction_id}")
        return response.json() if response.ok else None

    def status(self) -> dict[str, Any]:
        """Return what the interface tells of the whole service."""
        return self.page.request.get(f"{self.address}/api/v1/status").json()

    def _drag(self, points: list[Point]) -> None:
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down()
        for point in points[1:]:
            mouse.move(*point)
        mouse.up()

    def _touch(self, points: list[Point]) -> None:
        browser = self.page.context.new_cdp_session(self.page)
        for number, (x, y) in enumerate(points):
            kind = "touchMove" if number else "touchStart"
            browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        browser.detach()

    def _hear(self, text: str) -> None:
        if re.search("Content Security Policy|Uncaught", text):
            self.complaints.append(text)

    def _see(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"third party: {url}")


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Generator[Visitor]:
    """Yield a visitor with a browser profile of their own; what the page broke fails the test."""
    with browser.new_context(**(DESKTOP | options)) as context:
        visitor = Visitor(context.new_page(), address)
        yield visitor
        assert visitor.complaints == []
