"""The paper: what is drawn is what is sent, whatever the screen, and can be taken back."""

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import PHONE, Visitor, photograph, recorded, visiting
from tests.services.process import wait_until
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


def sent_by(visitor: Visitor) -> Image.Image:
    """Press the button; return the picture that the browser sends."""
    with visitor.page.expect_request(lambda request: request.method == "POST") as request:
        visitor.press("Predict it")
    assert request.value.post_data_buffer
    return Image.open(io.BytesIO(request.value.post_data_buffer), formats=["PNG"])


@pytest.mark.parametrize("density", [1, 2, 2.625, 3])
def test_any_screen_sends_an_opaque_drawing_of_280_by_280(chromium: Browser, quill: Quill, density: float) -> None:
    with visiting(chromium, quill.address, device_scale_factor=density) as visitor:
        assert visitor.pad.evaluate("canvas => canvas.width") == round(280 * density)
        visitor.draw([[(140, 40), (140, 240)]])
        image = sent_by(visitor)
    assert image.size == (280, 280)
    assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    grey = image.convert("L")
    assert grey.getpixel((5, 5)) == 255
    assert grey.getpixel((140, 140)) == 0
    assert sum(grey.getpixel((x, 140)) == 0 for x in range(280)) in range(16, 21)  # the pen: about 18


def test_the_paper_is_as_dense_as_the_screen_also_after_zooming(visitor: Visitor) -> None:
    browser = visitor.page.context.new_cdp_session(visitor.page)
    zoomed = {"width": 800, "height": 573, "deviceScaleFactor": 1.5, "mobile": False}
    browser.send("Emulation.setDeviceMetricsOverride", zoomed)
    wait_until(lambda: visitor.pad.evaluate("canvas => canvas.width") == 420, "the paper is fitted")


def test_a_phone_sends_what_a_desktop_sends(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address) as visitor:
        visitor.draw([[(40, 40), (240, 240)]])
        desktop = sent_by(visitor).convert("L")
    with visiting(chromium, quill.address, **PHONE) as visitor:
        visitor.draw([[(40, 40), (240, 240)]], by="touch")
        phone = sent_by(visitor).convert("L")
    assert sum(abs(ours - theirs) for ours, theirs in zip(desktop.tobytes(), phone.tobytes(), strict=True)) < 2e5


def test_the_ink_is_black_on_white_in_the_dark_too(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, color_scheme="dark") as visitor:
        visitor.draw([[(140, 40), (140, 240)]])
        grey = sent_by(visitor).convert("L")
    assert (grey.getpixel((5, 5)), grey.getpixel((140, 140))) == (255, 0)


SENT_BEFORE_THE_CLICK_RETURNS = """() => {
  const real = fetch;
  let sent = false;
  window.fetch = (url, how) => {
    sent ||= how.method === "POST";
    return real(url, how);
  };
  document.getElementById("predict").click();
  return sent;
}"""


def test_a_drawing_is_sent_at_once(visitor: Visitor) -> None:
    """Chromium's toBlob and convertToBlob encode when it is idle: up to a second later."""
    visitor.draw(recorded("3"))
    assert visitor.page.evaluate(SENT_BEFORE_THE_CLICK_RETURNS)
    expect(visitor.answer).to_have_text("3")


def test_a_single_tap_is_a_dot(visitor: Visitor) -> None:
    blank = visitor.drawing()
    visitor.draw([[(140, 140)]])
    assert visitor.drawing() != blank


def test_the_hint_goes_when_the_first_stroke_begins(visitor: Visitor) -> None:
    hint = visitor.page.get_by_text("Draw here")
    expect(hint).to_be_visible()
    visitor.pad.hover()
    visitor.page.mouse.down()
    expect(hint).to_be_hidden()


def test_a_stroke_that_leaves_the_paper_goes_on_where_it_comes_back(visitor: Visitor) -> None:
    visitor.draw([[(200, 100), (330, 100), (330, 200), (200, 200)]])
    grey = sent_by(visitor).convert("L")
    assert (grey.getpixel((270, 100)), grey.getpixel((240, 200))) == (0, 0)


def test_undo_takes_back_one_stroke_at_a_time(visitor: Visitor) -> None:
    papers = [visitor.drawing()]
    for stroke in recorded("4"):
        visitor.draw([stroke])
        papers.append(visitor.drawing())
    while papers:
        assert visitor.drawing() == papers.pop()
        visitor.press("Undo")


def test_undo_brings_back_what_was_cleared(visitor: Visitor) -> None:
    visitor.draw(recorded("4"))
    drawn = visitor.drawing()
    visitor.press("Clear it")
    visitor.press("Clear it")
    visitor.press("Undo")
    assert visitor.drawing() == drawn


def begin_a_stroke(visitor: Visitor) -> None:
    visitor.pad.hover(position={"x": 140, "y": 40})
    visitor.page.mouse.down()
    visitor.pad.hover(position={"x": 140, "y": 140})


def go_on_and_end_it(visitor: Visitor) -> None:
    visitor.pad.hover(position={"x": 240, "y": 240})
    visitor.page.mouse.up()


@pytest.mark.parametrize(("key", "leaves"), [("Control+z", 1), ("z", 1), ("c", 0)])
def test_a_stroke_that_is_taken_back_while_it_is_drawn_stays_away(visitor: Visitor, key: str, leaves: int) -> None:
    papers = [visitor.drawing()]
    begin_a_stroke(visitor)
    visitor.page.keyboard.press(key)
    go_on_and_end_it(visitor)
    assert visitor.drawing() == papers[0]
    visitor.draw([[(40, 40), (40, 240)]])
    papers.append(visitor.drawing())
    begin_a_stroke(visitor)
    visitor.page.keyboard.press(key)
    go_on_and_end_it(visitor)
    assert visitor.drawing() == papers[leaves]


def test_a_stroke_whose_end_is_not_told_ends_when_its_pointer_is_lost(visitor: Visitor) -> None:
    begin_a_stroke(visitor)
    drawn = visitor.drawing()
    visitor.pad.evaluate("canvas => canvas.releasePointerCapture(1)")
    go_on_and_end_it(visitor)
    assert visitor.drawing() == drawn


def test_a_picture_that_comes_while_a_stroke_is_drawn_ends_it(visitor: Visitor) -> None:
    begin_a_stroke(visitor)
    begun = visitor.drawing()
    visitor.page.get_by_label("Open a picture").set_input_files("tests/seven.png")
    wait_until(lambda: visitor.drawing() != begun, "the picture is on the paper")
    drawn = visitor.drawing()
    go_on_and_end_it(visitor)
    assert visitor.drawing() == drawn
    visitor.press("Undo")
    assert visitor.drawing() == begun


@pytest.mark.parametrize("size", [(400, 300), (300, 400)], ids=["landscape", "portrait"])
@pytest.mark.parametrize(("paper", "ink"), [(200, 0), (20, 240), (255, 0)], ids=["grey", "dark", "white"])
def test_a_picture_that_is_not_square_keeps_its_paper(
    visitor: Visitor, size: tuple[int, int], paper: int, ink: int
) -> None:
    picture = Image.new("L", size, paper)
    left, top = size[0] // 2 - 95, size[1] // 2 - 95
    for stroke in recorded("7", (left, top, 190)):
        ImageDraw.Draw(picture).line(stroke, fill=ink, width=18, joint="curve")
    visitor.place(picture)
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("7")


def test_a_transparent_picture_is_placed_on_white(visitor: Visitor) -> None:
    blank = visitor.drawing()
    visitor.place(Image.new("RGBA", (400, 300), (0, 0, 0, 0)))
    assert visitor.drawing() == blank


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255)], ids=["white", "dark"])
def test_a_tightly_cut_picture_does_not_smear_into_its_bars(visitor: Visitor, paper: int, ink: int) -> None:
    picture = Image.new("L", (100, 200), paper)
    ImageDraw.Draw(picture).line([(90, 0), (10, 199)], fill=ink, width=20)
    visitor.place(picture)
    grey = sent_by(visitor).convert("L")
    assert grey.crop((0, 0, 60, 280)).getextrema() == grey.crop((220, 0, 280, 280)).getextrema() == (paper, paper)


@pytest.mark.parametrize("button", ["right", "middle"])
def test_only_the_main_mouse_button_draws(visitor: Visitor, button: Any) -> None:
    blank = visitor.drawing()
    visitor.pad.click(button=button)
    assert visitor.drawing() == blank


def test_a_second_finger_does_not_disturb_the_stroke(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, **PHONE) as visitor:
        blank = visitor.drawing()
        box = visitor.pad.bounding_box()
        assert box
        touch = visitor.page.context.new_cdp_session(visitor.page)
        first, second = ({"x": box["x"] + at, "y": box["y"] + at, "id": at} for at in (60, 200))
        for kind, points in (("touchStart", [first]), ("touchStart", [first, second]), ("touchEnd", [])):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert visitor.drawing() != blank
        visitor.press("Undo")
        assert visitor.drawing() == blank


def test_a_touch_that_the_system_takes_for_a_palm_leaves_no_ink(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, **PHONE) as visitor:
        visitor.draw([[(40, 40), (240, 240)]], by="touch")
        drawn = visitor.drawing()
        box = visitor.pad.bounding_box()
        assert box
        touch = visitor.page.context.new_cdp_session(visitor.page)
        palm = [{"x": box["x"] + 250, "y": box["y"] + 50}]
        for kind, points in (("touchStart", palm), ("touchCancel", [])):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert visitor.drawing() == drawn


def test_drawing_with_a_finger_does_not_scroll_the_page(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, **PHONE) as visitor:
        visitor.draw([[(140, 260), (140, 20)]], by="touch")
        assert visitor.page.evaluate("scrollY") == 0


def test_the_paper_fits_on_a_phone_that_lies_on_its_side(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, **PHONE | {"viewport": {"width": 667, "height": 320}}) as visitor:
        visitor.pad.scroll_into_view_if_needed()
        expect(visitor.pad).to_be_in_viewport(ratio=0.99)


def test_on_a_phone_nothing_is_cut_off_and_what_is_said_is_in_sight(chromium: Browser, quill: Quill) -> None:
    visible = {"viewport": {"width": 390, "height": 664}}  # what the browser's own bars leave
    with visiting(chromium, quill.address, **PHONE | visible) as visitor:
        visitor.press("Predict it")
        expect(visitor.said).to_have_text("The paper is blank. Draw a digit first.")
        expect(visitor.said).to_be_in_viewport(ratio=1)
        visitor.draw(recorded("3"), by="touch")
        visitor.press("Predict it")
        expect(visitor.answer).to_have_text("3")
        expect(visitor.answer).to_be_in_viewport(ratio=1)
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        photograph(visitor.page, "phone")
