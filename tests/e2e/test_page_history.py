"""A person's own drawings: found again, corrected, deleted."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Visitor, recorded, visiting
from tests.services.process import wait_until
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


def test_drawings_are_found_again_after_a_reload_the_newest_first(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.predict("5")
    visitor.page.reload()
    expect(visitor.drawings.locator(".read")).to_have_text(["5", "3"])
    expect(visitor.page.locator("#none")).to_be_hidden()
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    local = "time => new Date(time).toLocaleString([], { timeStyle: 'short' })"
    expect(visitor.drawings.first.locator("time")).to_have_text(visitor.page.evaluate(local, prediction["accepted_at"]))
    visitor.drawings.nth(1).locator(".open").click()
    expect(visitor.answer).to_have_text("3")
    expect(visitor.bars).to_have_count(10)
    expect(visitor.page.locator("#stages .passed")).to_have_count(5)


def test_opening_an_old_drawing_puts_away_what_is_on_the_paper_and_undo_brings_it_back(visitor: Visitor) -> None:
    blank = visitor.drawing()
    visitor.predict("3")
    drawn = visitor.drawing()
    visitor.drawings.first.locator(".open").click()
    assert visitor.drawing() == blank
    visitor.press("Undo")
    assert visitor.drawing() == drawn


def test_a_drawing_s_thumbnail_is_the_picture_that_the_model_saw(visitor: Visitor) -> None:
    visitor.predict("3")
    thumbnail = visitor.drawings.first.locator("canvas")
    seen = visitor.page.get_by_label("picture that the model saw")
    assert thumbnail.evaluate("canvas => canvas.toDataURL()") == seen.evaluate("canvas => canvas.toDataURL()")


def test_nobody_sees_another_s_drawings(visitor: Visitor, chromium: Browser, quill: Quill) -> None:
    visitor.predict("3")
    with visiting(chromium, quill.address) as another:
        expect(another.page.locator("#none")).to_be_visible()
        expect(another.drawings).to_have_count(0)


def test_a_correction_is_kept_here_and_on_the_server(visitor: Visitor) -> None:
    visitor.predict("1")
    visitor.press("7")
    expect(visitor.page.locator("#corrected")).to_have_text(
        "You say it is 7. Thank you: the next model can learn from it."
    )
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    assert prediction["label"] == "7"
    visitor.page.reload()
    expect(visitor.drawings.first.locator(".read")).to_have_text("1 → 7")
    visitor.drawings.first.locator(".open").click()
    expect(visitor.page.get_by_role("button", name="7", exact=True, pressed=True)).to_be_visible()


def test_a_number_is_corrected_as_it_should_be_read(visitor: Visitor) -> None:
    for digit, left in (("4", 30), ("2", 160)):
        visitor.draw(recorded(digit, (left, 95, 80)))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("42")
    expect(visitor.page.get_by_role("button", name="7", exact=True)).to_be_hidden()
    number = visitor.page.get_by_placeholder("A number")
    expect(number).to_have_value("42")
    number.fill("a few")
    visitor.press("Tell it")
    expect(visitor.page.locator("#corrected")).to_be_empty()
    number.fill("07070707")
    visitor.press("Tell it")
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is 07070707.")
    told = visitor.drawings.first.locator(".read")
    expect(told).to_have_text("42 → 07070707")
    assert told.evaluate("element => element.scrollWidth <= element.clientWidth"), "nothing of it is cut off"
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    assert prediction["label"] == "07070707"
    visitor.page.reload()
    visitor.drawings.first.locator(".open").click()
    expect(number).to_have_value("07070707")


def test_what_is_no_digit_can_be_told(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.press("No digit")
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is no digit.")
    expect(visitor.drawings.first.locator(".read")).to_have_text("3 → none")
    expect(visitor.page.get_by_role("button", name="No digit", pressed=True)).to_be_visible()
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    assert prediction["label"] == ""
    visitor.press("3")
    expect(visitor.drawings.first.locator(".read")).to_have_text("3")


def test_a_deleted_drawing_is_gone_here_and_on_the_server(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.predict("5")
    deleted = visitor.predictions()[0]
    visitor.press("Delete the drawing read as 5")
    expect(visitor.page.locator("#history-said")).to_have_text("Deleted, here and on the server.")
    expect(visitor.drawings.locator(".read")).to_have_text(["3"])
    expect(visitor.drawings.locator(".open")).to_be_focused()
    expect(visitor.answer).to_be_empty()
    assert visitor.server_has(deleted) is None
    visitor.page.reload()
    expect(visitor.drawings.locator(".read")).to_have_text(["3"])


def test_a_double_click_deletes_one_drawing(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.predict("5")
    visitor.predict("8")
    deletions: list[str] = []
    visitor.page.on("request", lambda request: deletions.append(request.url) if request.method == "DELETE" else None)
    visitor.drawings.nth(1).locator(".delete").click()
    expect(visitor.drawings.locator(".read")).to_have_text(["8", "3"])
    expect(visitor.answer).to_have_text("8")
    visitor.page.mouse.down(click_count=2)
    visitor.page.mouse.up(click_count=2)
    visitor.predict("7")
    expect(visitor.drawings.locator(".read")).to_have_text(["7", "8", "3"])
    assert len(deletions) == 1


def test_a_drawing_that_the_server_no_longer_has_is_dropped_and_no_other(visitor: Visitor) -> None:
    visitor.predict("3")
    visitor.page.route("**/api/**", lambda route: route.abort())
    with visitor.page.expect_event("requestfailed"):
        visitor.page.reload()
    visitor.page.unroute_all()
    visitor.page.reload()
    expect(visitor.drawings).to_have_count(1)
    visitor.page.request.delete(f"{visitor.address}/api/v1/predictions/{visitor.predictions()[0]}")
    visitor.page.reload()
    expect(visitor.page.locator("#none")).to_be_visible()
    assert visitor.predictions() == []


def test_another_tab_shows_a_new_drawing_by_itself(visitor: Visitor) -> None:
    tab = Visitor(visitor.page.context.new_page(), visitor.address)
    visitor.page.bring_to_front()  # a tab behind gets few frames
    visitor.predict("4")
    expect(tab.drawings.locator(".read")).to_have_text("4")


def test_a_list_that_is_made_anew_keeps_focus_and_place(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 664})
    visitor.predict("3")
    chosen = visitor.drawings.first.locator(".open")
    chosen.click()
    made_anew = "entry => { scrollTo(0, 0); document.getElementById('clear').click(); window.before = entry }"
    chosen.evaluate(made_anew)
    assert visitor.page.evaluate("!window.before.isConnected")
    expect(chosen).to_be_focused()
    assert visitor.page.evaluate("scrollY") == 0


def test_a_press_that_lasts_while_the_server_is_asked_for_what_waits_is_heard(unanswered: Visitor) -> None:
    unanswered.hand_in(recorded("3"))
    unanswered.press("Clear it")
    expect(unanswered.said).to_contain_text("Draw a digit")
    unanswered.drawings.locator(".open").hover()
    unanswered.page.mouse.down()
    for _ in range(2):  # what the first asks for is shown before the second
        unanswered.page.wait_for_event("request")
    unanswered.page.mouse.up()
    expect(unanswered.said).to_have_text("Reading…")


def test_what_waits_is_asked_for_every_three_seconds_and_no_more_often(unanswered: Visitor) -> None:
    run_for = unanswered.stop_the_clock()
    unanswered.hand_in(recorded("3"))
    unanswered.press("Clear it")
    asked: list[str] = []
    unanswered.page.on("request", lambda request: asked.append(request.url))
    run_for(3000)
    assert [url.rpartition("?")[2] for url in asked] == ["wait=0"]


def draw_fourteen(visitor: Visitor) -> None:
    """Leave two more drawings than are shown at first."""
    visitor.predict("4")
    drawn = visitor.pad.evaluate("canvas => canvas.toDataURL('image/png')")
    for _ in range(13):
        answer = visitor.page.request.post(f"{visitor.address}/api/v1/predictions", data={"image": drawn})
        remember = "id => localStorage.setItem(KEY, JSON.stringify([id, ...JSON.parse(localStorage.getItem(KEY))]))"
        visitor.page.evaluate(remember.replace("KEY", "'quill.drawings'"), answer.json()["id"])
    visitor.page.reload()
    expect(visitor.drawings).to_have_count(12)


COUNT_LISTS = """() => {
  window.lists = 0;
  new MutationObserver((lists) => (window.lists += lists.length)).observe(drawings, { childList: true });
}"""


def test_older_drawings_are_shown_on_demand(visitor: Visitor) -> None:
    draw_fourteen(visitor)
    visitor.page.evaluate(COUNT_LISTS)
    visitor.press("Show older ones")
    expect(visitor.drawings).to_have_count(14)
    expect(visitor.drawings.nth(12).locator(".open")).to_be_focused()
    assert visitor.page.evaluate("window.lists") == 1
    expect(visitor.page.get_by_role("button", name="Show older ones")).to_be_hidden()


def test_older_drawings_move_up_where_newer_ones_are_deleted(visitor: Visitor) -> None:
    draw_fourteen(visitor)
    for left in range(13, 1, -1):
        visitor.drawings.first.locator(".delete").click()
        wait_until(lambda left=left: len(visitor.predictions()) == left, "the drawing is deleted")
        expect(visitor.drawings).to_have_count(min(left, 12))
        expect(visitor.drawings.first.locator(".open")).to_be_focused()
    expect(visitor.page.get_by_role("button", name="Show older ones")).to_be_hidden()
