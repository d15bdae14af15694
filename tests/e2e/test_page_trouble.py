"""When something is away: it is told in plain words with what happens next, and the page recovers by itself."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from shared.contract import Prediction, State, now_ms
from shared.settings import Settings
from shared.store import open_store
from tests.e2e.visitor import SCRIBBLE, Visitor, photograph, recorded, visiting
from tests.services.pngs import SEVEN
from tests.services.process import wait_until
from tests.services.quill import Quill
from web.shares import WINDOW_S

pytestmark = pytest.mark.e2e

NewQuill = Callable[..., Quill]


def test_nothing_can_be_pressed_in_vain_before_the_page_is_ready(visitor: Visitor) -> None:
    controls = visitor.page.locator("#paper :is(button, input)")
    expect(controls.and_(visitor.page.locator(":enabled"))).to_have_count(5)
    visitor.page.route("**/main.js", lambda route: route.abort())
    visitor.page.reload()
    expect(controls.and_(visitor.page.locator(":disabled"))).to_have_count(5)


def test_without_javascript_the_page_names_where_a_png_is_taken(chromium: Browser, quill: Quill) -> None:
    with visiting(chromium, quill.address, java_script_enabled=False) as visitor:
        address = quill.address + visitor.page.locator("noscript code").inner_text()
        answer = visitor.page.request.post(address, data=SEVEN, headers={"Content-Type": "image/png"})
    assert answer.status == 202


def test_a_drawing_for_a_server_that_is_down_is_sent_when_it_is_back(chromium: Browser, new_quill: NewQuill) -> None:
    quill = new_quill()
    web = quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        web.stop()
        visitor.draw(recorded("7"))
        visitor.press("Predict it")
        expect(visitor.said).to_have_text(
            "Quill cannot be reached. Your drawing stays on this page and is sent again by itself."
        )
        expect(visitor.page.locator("#next")).to_have_text(re.compile(r"Next try in \d+ s"))
        photograph(visitor.page, "server-down")
        quill.start_web()
        expect(visitor.said).to_have_text("Reading…")
        assert len(visitor.predictions()) == 1


def test_an_answer_that_is_under_way_when_the_server_goes_down_comes_when_it_is_back(
    chromium: Browser, new_quill: NewQuill
) -> None:
    quill = new_quill()
    web = quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        visitor.draw(recorded("7"))
        visitor.press("Predict it")
        expect(visitor.page.locator("#stages [aria-current=step] .name")).to_have_text("Queued")
        expect(visitor.page.locator("#total")).to_contain_text("You may even close this page")
        web.stop()
        expect(visitor.said).to_have_text(
            "Quill cannot be reached. Your drawing is safe there, and its answer is shown as soon as it can be had."
        )
        quill.start_web()
        expect(visitor.said).to_have_text("Reading…")
        quill.start_worker()
        quill.wait_until_ready()
        expect(visitor.answer).to_have_text("7")


def test_who_closes_the_page_finds_the_answer_later(chromium: Browser, new_quill: NewQuill) -> None:
    quill = new_quill()
    quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        visitor.draw(recorded("3"))
        visitor.press("Predict it")
        expect(visitor.drawings.locator(".read")).to_have_text("…")
        visitor.page.goto("about:blank")
        quill.start_worker()
        quill.wait_until_ready()
        visitor.page.goto(quill.address)
        expect(visitor.drawings.locator(".read")).to_have_text("3")


def test_who_clears_the_paper_before_the_answer_finds_it_among_the_drawings(
    unanswered: Visitor, tmp_path: Path
) -> None:
    unanswered.hand_in(recorded("3"))
    expect(unanswered.drawings.locator(".read")).to_have_text("…")
    unanswered.press("Clear it")
    finish(tmp_path, unanswered.predictions()[0], state=State.FAILED, error="the model ended 5 times")
    expect(unanswered.drawings.locator(".read")).to_have_text("\N{EN DASH}")
    expect(unanswered.said).to_contain_text("Draw a digit")


def test_a_page_that_asks_to_log_in_first_is_waited_out(visitor: Visitor) -> None:
    visitor.predict("5")
    visitor.page.route("**/api/**", lambda route: route.fulfill(content_type="text/html", body="<h1>Log in</h1>"))
    visitor.press("Predict it")
    expect(visitor.said).to_have_text(
        "Quill cannot be reached. Your drawing stays on this page and is sent again by itself."
    )
    expect(visitor.page.locator("#stages .passed")).to_have_count(0)
    visitor.page.unroute_all()
    expect(visitor.answer).to_have_text("5")


def test_overload_is_told_with_the_time_of_the_next_try_which_is_made_by_itself(
    chromium: Browser, new_quill: NewQuill
) -> None:
    quill = new_quill(backlog_limit=1)
    quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        visitor.page.clock.install()
        visitor.hand_in(recorded("4"))
        wait_until(lambda: visitor.status()["backlog"] == 1, "the backlog is measured anew")
        visitor.press("Predict it")
        expect(visitor.said).to_have_text(
            "Too many drawings wait already: no more than 1 may. "
            "Your drawing stays on this page and is sent again by itself."
        )
        expect(visitor.page.locator("#next")).to_have_text(re.compile(r"Next try in (60|5\d) s"))  # it counts down
        photograph(visitor.page, "overload")
        visitor.press("Delete the drawing read as nothing")
        wait_until(lambda: visitor.status()["backlog"] == 0, "the backlog is seen to be empty")
        visitor.page.clock.fast_forward(60_000)  # as when a laptop sleeps
        expect(visitor.said).to_have_text("Reading…")
        expect(visitor.drawings).to_have_count(1)


def test_who_waits_is_told_how_many_are_ahead(unanswered: Visitor) -> None:
    unanswered.hand_in(recorded("4"))
    wait_until(lambda: unanswered.status()["backlog"] == 1, "the backlog is measured anew")
    unanswered.press("Predict it")
    expect(unanswered.said).to_have_text("Waiting behind 1 other…")
    expect(unanswered.stages.filter(has_text="Queued")).to_contain_text("behind 1 other")


def test_who_sends_too_much_is_told_their_share(chromium: Browser, new_quill: NewQuill) -> None:
    quill = new_quill(client_limit=1)
    quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        wait_until(lambda: time.monotonic() % WINDOW_S < WINDOW_S - 20, "both drawings fall into one minute")
        visitor.hand_in(recorded("4"))
        visitor.press("Predict it")
        expect(visitor.said).to_contain_text("One client may send 1 drawings a minute. Your drawing stays on this page")


def test_a_correction_or_deletion_that_fails_is_told_and_can_be_repeated(visitor: Visitor) -> None:
    visitor.predict("5")
    visitor.page.context.set_offline(True)
    visitor.press("7")
    expect(visitor.page.locator("#corrected")).to_have_text(
        "That is not kept. Quill cannot be reached. Try again soon."
    )
    visitor.press("Delete the drawing read as 5")
    expect(visitor.page.locator("#history-said")).to_have_text(
        "It is not deleted yet. Quill cannot be reached. Try again soon."
    )
    visitor.page.context.set_offline(False)
    visitor.press("7")
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is 7.")
    visitor.press("Delete the drawing read as 5")
    expect(visitor.drawings).to_have_count(0)


@pytest.mark.parametrize("fails", [True, False])
def test_a_correction_that_comes_late_is_not_told_under_another_drawing(visitor: Visitor, fails: bool) -> None:
    visitor.predict("3")
    visitor.predict("5")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/label", hold)
    visitor.press("7")
    visitor.drawings.nth(1).locator(".open").click()
    expect(visitor.answer).to_have_text("3")
    with visitor.page.expect_event("requestfailed" if fails else "requestfinished"):
        held[0].abort() if fails else held[0].continue_()
    expect(visitor.drawings.locator(".read")).to_have_text(["5" if fails else "5 → 7", "3"])
    assert visitor.page.locator("#corrected").inner_text() == ""
    assert visitor.answer.inner_text() == "3"


def test_of_two_quick_corrections_the_last_one_counts(visitor: Visitor) -> None:
    visitor.predict("5")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        route.continue_() if held else held.append(route)

    visitor.page.route("**/label", hold_the_first)
    with visitor.page.expect_request("**/label"):
        visitor.press("7")
    visitor.press("8")
    visitor.page.evaluate("fetch('api/v1/status').then(({ ok }) => ok)")  # so that what does not wait has gone
    with visitor.page.expect_response(lambda response: "7" in (response.request.post_data or "")):
        held[0].continue_()
    expect(visitor.page.locator("#corrected")).to_contain_text("You say it is 8.")
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    assert prediction["label"] == "8"


def test_who_corrects_what_is_deleted_elsewhere_is_not_told_to_try_again(visitor: Visitor) -> None:
    visitor.predict("5")
    visitor.page.request.delete(f"{visitor.address}/api/v1/predictions/{visitor.predictions()[0]}")
    visitor.press("7")
    expect(visitor.page.locator("#corrected")).to_have_text(
        "That is not kept. No prediction has this id: it was never accepted, or it was deleted."
    )


def test_a_drawing_that_could_not_be_read_is_told_with_its_reason(unanswered: Visitor, tmp_path: Path) -> None:
    unanswered.page.set_viewport_size({"width": 320, "height": 640})
    unanswered.hand_in(recorded("5"))
    path = "/srv/models/" + "x" * 60
    finish(tmp_path, unanswered.predictions()[0], state=State.FAILED, error=f"the model ended 5 times, see {path}")
    expect(unanswered.page.locator("#answer[data-tone=trouble] #said")).to_have_text(
        f"The model ended 5 times, see {path}. Draw it anew."
    )
    assert unanswered.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_opens_a_drawing_that_still_waits_gets_its_answer(unanswered: Visitor, tmp_path: Path) -> None:
    unanswered.hand_in(recorded("7"))
    unanswered.press("Clear it")
    unanswered.drawings.locator(".open").click()
    finish(tmp_path, unanswered.predictions()[0], state=State.FAILED, error="the model ended 5 times")
    expect(unanswered.said).to_contain_text("Draw it anew.")


def test_not_sure_is_said_plainly_with_the_likeliest_digits(unanswered: Visitor, tmp_path: Path) -> None:
    unanswered.hand_in(SCRIBBLE)
    shares = (0.0, 0.01, 0.02, 0.0, 0.41, 0.0, 0.0, 0.04, 0.05, 0.47)
    finish(tmp_path, unanswered.predictions()[0], digits="9", probabilities=(shares,), confidence=0.47, unsure=True)
    expect(unanswered.said).to_have_text("Not sure: perhaps 9, perhaps 4, perhaps no digit at all.")
    expect(unanswered.drawings.locator(".read")).to_have_text("9?")


def test_a_number_that_cannot_be_read_surely_is_to_be_drawn_with_more_room(unanswered: Visitor, tmp_path: Path) -> None:
    unanswered.hand_in(recorded("4", (30, 95, 80)) + recorded("2", (160, 95, 80)))
    shares = ((0.1,) * 10,) * 2
    finish(tmp_path, unanswered.predictions()[0], digits="42", probabilities=shares, confidence=0.1, unsure=True)
    expect(unanswered.said).to_have_text("Not sure. Try again with more room between the digits.")


def test_what_is_deleted_elsewhere_is_waited_for_no_longer(unanswered: Visitor) -> None:
    unanswered.hand_in(recorded("5"))
    unanswered.page.request.delete(f"{unanswered.address}/api/v1/predictions/{unanswered.predictions()[0]}")
    expect(unanswered.said).to_have_text("No prediction has this id: it was never accepted, or it was deleted.")


def finish(folder: Path, prediction_id: str, **answer: object) -> None:
    """Write an answer to the store, as a worker does, for what a real model cannot be relied on to say."""
    store = open_store(Settings(store_url=f"sqlite:///{folder}/quill.db"))
    stages = {"queued": 3.0, "waited": 0.2, "classified": 1.9}
    by = {"worker": "w1", "model_version": "m1", "batch_size": 1, "attempts": 1, "stage_ms": stages}
    told = {"state": State.DONE, "finished_ms": now_ms()} | by | answer
    pictures = store.get([prediction_id])[prediction_id].pictures
    store.finish([Prediction(prediction_id, pictures, now_ms(), **told)])  # pyright: ignore[reportArgumentType] - by name
    store.close()
