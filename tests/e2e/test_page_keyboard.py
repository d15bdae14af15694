"""Everything without a mouse: drawing with keys, and pictures instead of drawings."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.e2e.visitor import Visitor, recorded
from tests.services.pngs import png

pytestmark = pytest.mark.e2e


def png_of(digit: str) -> bytes:
    """Return a PNG, 200 x 300, of the recorded digit."""
    image = Image.new("L", (200, 300), 255)
    for stroke in recorded(digit, (40, 70, 140)):
        ImageDraw.Draw(image).line(stroke, fill=0, width=16, joint="curve")
    return png(image)


def hand_over(event: str) -> Callable[[Visitor, bytes], None]:
    """Return what pastes or drops a PNG on the page."""
    script = """([event, bytes]) => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(bytes)], "digit.png", { type: "image/png" }));
      const how = { bubbles: true, clipboardData: files, dataTransfer: files };
      document.body.dispatchEvent(event === "paste" ? new ClipboardEvent(event, how) : new DragEvent(event, how));
    }"""
    return lambda visitor, png: visitor.page.evaluate(script, [event, list(png)])


def press_keys(visitor: Visitor, *keys: str) -> None:
    for key in keys:
        visitor.page.keyboard.press(key)


def test_a_digit_is_drawn_predicted_and_corrected_with_keys_alone(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 400})
    press_keys(visitor, "Tab")
    expect(visitor.pad).to_be_focused()
    top = visitor.page.evaluate("scrollY")
    press_keys(visitor, "Space", *["Shift+ArrowDown"] * 4, "Space")
    assert visitor.page.evaluate("scrollY") == top
    press_keys(visitor, "Enter")
    expect(visitor.answer).to_have_text("1")
    press_keys(visitor, "7")
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is 7.")


def test_a_key_that_is_held_down_is_pressed_once(visitor: Visitor) -> None:
    visitor.draw(recorded("3"))
    for place in visitor.pad, visitor.page.get_by_role("button", name="Predict it"):
        sent = len(visitor.predictions())
        place.focus()
        for _ in range(5):
            visitor.page.keyboard.down("Enter")
            expect(visitor.answer).to_have_text("3")
        visitor.page.keyboard.up("Enter")
        assert len(visitor.predictions()) == sent + 1
    visitor.pad.focus()
    for _ in range(2):
        visitor.page.keyboard.down("Space")
    expect(visitor.page.locator("#pen")).to_have_text("Pen down")


def test_a_number_is_corrected_with_keys_alone(visitor: Visitor) -> None:
    for left in (30, 160):
        visitor.draw(recorded("1", (left, 95, 80)))
    visitor.pad.focus()
    press_keys(visitor, "Enter")
    expect(visitor.answer).to_have_text("11")
    press_keys(visitor, "Tab")
    drawn = visitor.drawing()
    visitor.pad.focus()
    press_keys(visitor, "1", "0", "Enter")
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is 10.")
    press_keys(visitor, "Control+z")  # what is typed, and no stroke
    assert visitor.drawing() == drawn


def test_a_lifted_pen_moves_without_ink_is_seen_and_stays_on_the_paper(visitor: Visitor) -> None:
    blank = visitor.drawing()
    press_keys(visitor, "Tab", "ArrowLeft", *["Shift+ArrowUp"] * 9)
    at_the_edge = visitor.drawing()
    assert at_the_edge != blank
    press_keys(visitor, "Shift+ArrowUp")
    assert visitor.drawing() == at_the_edge
    press_keys(visitor, "Tab")
    assert visitor.drawing() == blank


def test_who_takes_the_mouse_while_the_pen_is_down_draws_with_it(visitor: Visitor) -> None:
    blank = visitor.drawing()
    press_keys(visitor, "Tab", "Space")
    visitor.draw([[(40, 40), (40, 240)]])
    visitor.press("Undo")
    assert visitor.drawing() != blank
    visitor.press("Undo")
    assert visitor.drawing() == blank


def test_a_screen_reader_is_told_how_the_keyboard_draws(visitor: Visitor) -> None:
    browser = visitor.page.context.new_cdp_session(visitor.page)
    tree = cast("dict[str, Any]", browser.send("Accessibility.getFullAXTree"))
    descriptions = [
        node.get("description", {}).get("value")
        for node in tree["nodes"]
        if node.get("name", {}).get("value") == "Drawing area"
    ]
    assert descriptions == ["Arrows move the pen, Space lowers or lifts it"]


def test_pen_down_and_up_are_told_to_who_cannot_see_it(visitor: Visitor) -> None:
    told = visitor.page.locator("#pen")
    press_keys(visitor, "Tab", "Space")
    expect(told).to_have_text("Pen down")
    press_keys(visitor, "Space")
    expect(told).to_have_text("Pen up")


@pytest.mark.parametrize("key", ["Control+z", "z", "c"])
def test_a_stroke_that_is_taken_back_while_it_is_drawn_lifts_the_pen(visitor: Visitor, key: str) -> None:
    blank = visitor.drawing()
    press_keys(visitor, "Tab", "Space", "ArrowDown", key)
    expect(visitor.page.locator("#pen")).to_have_text("Pen up")
    shown = visitor.drawing()
    press_keys(visitor, "ArrowDown", "ArrowUp")
    assert visitor.drawing() == shown
    press_keys(visitor, "Tab")
    assert visitor.drawing() == blank


def test_a_picture_that_is_pasted_while_a_stroke_is_drawn_lifts_the_pen(visitor: Visitor) -> None:
    press_keys(visitor, "Tab", "Space", "ArrowDown")
    hand_over("paste")(visitor, png_of("2"))
    expect(visitor.page.locator("#pen")).to_have_text("Pen up")


def test_leaving_the_paper_lifts_the_pen(visitor: Visitor) -> None:
    press_keys(visitor, "Tab", "Space", "Tab")
    expect(visitor.page.locator("#pen")).to_have_text("Pen up")


@pytest.mark.parametrize("key", ["z", "Z", "Backspace", "Control+z", "Meta+z"])
def test_keys_undo(visitor: Visitor, key: str) -> None:
    blank = visitor.drawing()
    visitor.draw([[(100, 100), (200, 200)]])
    press_keys(visitor, key)
    assert visitor.drawing() == blank


@pytest.mark.parametrize("key", ["c", "C", "Delete"])
def test_keys_clear(visitor: Visitor, key: str) -> None:
    blank = visitor.drawing()
    visitor.draw(recorded("4"))
    press_keys(visitor, key)
    assert visitor.drawing() == blank


def test_letters_do_nothing_outside_the_paper(visitor: Visitor) -> None:
    visitor.draw(recorded("4"))
    drawn = visitor.drawing()
    visitor.page.get_by_role("button", name="Undo").focus()
    press_keys(visitor, "c", "z")
    assert visitor.drawing() == drawn


@pytest.mark.parametrize("key", ["Control+c", "Meta+c", "Alt+c"])
def test_who_copies_clears_nothing(visitor: Visitor, key: str) -> None:
    visitor.draw(recorded("4"))
    drawn = visitor.drawing()
    press_keys(visitor, key)
    assert visitor.drawing() == drawn


def test_tab_reaches_all_that_can_be_pressed_in_the_order_in_which_it_is_read(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.page.locator("h1").click()  # from here on, Tab begins at the top
    name = "a = document.activeElement, a.ariaLabel || a.labels?.[0]?.innerText || a.innerText"
    order: list[str] = []
    for _ in range(24):
        press_keys(visitor, "Tab")
        order.append(visitor.page.evaluate(name).strip())
    assert order[:7] == [
        "Drawing area",
        "Predict it",
        "Undo",
        "Clear it",
        "Predict when the pen rests",
        "Open a picture",
        "Without a mouse",
    ]
    assert order[7:20] == [*"0123456789", "No digit", "", "Tell it"]
    assert order[21:] == ["Delete the drawing read as 3", "Queue and workers", "Interface"]


@pytest.mark.parametrize(
    "give", [Visitor.open_file, hand_over("paste"), hand_over("drop")], ids=["open", "paste", "drop"]
)
def test_a_picture_is_read_like_a_drawing(visitor: Visitor, give: Callable[[Visitor, bytes], None]) -> None:
    blank = visitor.drawing()
    give(visitor, png_of("2"))
    visitor.page.locator("#hint").wait_for(state="hidden")
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("2")
    visitor.press("Undo")
    assert visitor.drawing() == blank


def test_a_thin_line_of_a_large_picture_stays(visitor: Visitor) -> None:
    blank = visitor.drawing()
    image = Image.new("L", (2800, 2800), 255)
    image.paste(0, (1400, 400, 1403, 2400))
    visitor.place(image)
    assert visitor.drawing() != blank


@pytest.mark.parametrize("kind", ["image/png", "text/plain"])
def test_a_file_that_is_no_picture_is_refused_with_a_sentence(visitor: Visitor, kind: str) -> None:
    visitor.open_file(b"not a picture", kind)
    expect(visitor.said).to_have_text("This file is not a picture that can be opened. Try a PNG.")


def test_a_picture_without_ink_is_refused_by_the_server_with_a_sentence(visitor: Visitor) -> None:
    visitor.place(Image.new("L", (28, 28), 255))
    visitor.press("Predict it")
    expect(visitor.page.locator("#answer[data-tone=trouble] #said")).to_contain_text("draw a digit first.")
