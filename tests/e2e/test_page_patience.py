"""Waiting on purpose: what is tried again, what is listened to, and what is given up."""

import pytest
from playwright.sync_api import Request, Route, expect

from tests.e2e.visitor import Visitor, recorded
from tests.services.process import wait_until

pytestmark = pytest.mark.e2e


def test_without_server_sent_events_the_page_asks_for_the_answer_at_once(visitor: Visitor) -> None:
    visitor.page.route("**/events", lambda route: route.abort())
    visitor.stop_the_clock()
    visitor.draw(recorded("9"))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("9")


def test_events_that_say_nothing_are_given_up_and_the_answer_is_asked_for(visitor: Visitor) -> None:
    visitor.page.route("**/events", lambda _: None)
    run_for = visitor.stop_the_clock()
    visitor.draw(recorded("9"))
    with visitor.page.expect_request("**/events"):
        visitor.press("Predict it")
    run_for(15_000)
    expect(visitor.answer).to_have_text("9")


COUNT_LISTENERS = """
  const sources = [];
  window.EventSource = class extends EventSource {
    constructor(url) {
      sources.push(super(url));
    }
  };
  window.listeners = () => sources.filter(({ readyState }) => readyState !== EventSource.CLOSED).length;
"""


def test_who_clears_the_paper_takes_no_place_among_those_who_wait(unanswered: Visitor) -> None:
    """A browser opens such a connection anew for ever, until it is closed."""
    unanswered.page.add_init_script(COUNT_LISTENERS)
    unanswered.page.reload()
    unanswered.hand_in(recorded("3"))
    wait_until(lambda: unanswered.page.evaluate("listeners()") == 1, "the page listens")
    unanswered.press("Clear it")
    assert unanswered.page.evaluate("listeners()") == 0


def test_tries_become_rarer_and_a_network_that_comes_back_is_used_at_once(visitor: Visitor) -> None:
    run_for = visitor.stop_the_clock()
    visitor.draw(recorded("5"))
    visitor.page.context.set_offline(True)
    visitor.press("Predict it")
    for seconds in (2, 3, 5, 7, 11, 15, 15):
        expect(visitor.page.locator("#next")).to_have_text(f"Next try in {seconds} s")
        for _ in range(seconds):
            run_for(1000)
    expect(visitor.said).to_contain_text("Quill cannot be reached.")
    visitor.page.context.set_offline(False)
    expect(visitor.answer).to_have_text("5")
    expect(visitor.page.locator("#next")).to_be_empty()


def test_an_acceptance_that_got_lost_on_the_way_does_not_make_two_drawings(visitor: Visitor) -> None:
    keys: list[str] = []

    def lose_the_first(route: Route, request: Request) -> None:
        if request.method != "POST":
            return route.continue_()
        keys.append(request.headers["idempotency-key"])
        return route.abort() if len(keys) == 1 and route.fetch() else route.continue_()

    visitor.page.route("**/api/v1/predictions", lose_the_first)
    visitor.draw(recorded("5"))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("5")
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_clearing_gives_up_what_is_waited_for(visitor: Visitor) -> None:
    visitor.draw(recorded("5"))
    visitor.page.context.set_offline(True)
    visitor.press("Predict it")
    expect(visitor.said).to_contain_text("Quill cannot be reached.")
    visitor.press("Clear it")
    visitor.page.context.set_offline(False)
    visitor.draw(recorded("3"))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("3")
    assert len(visitor.predictions()) == 1


def test_a_drawing_that_is_given_up_and_gets_lost_on_its_way_is_not_sent_again(visitor: Visitor) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/api/v1/predictions", hold)
    visitor.draw(recorded("3"))
    with visitor.page.expect_request(lambda request: request.method == "POST"):
        visitor.press("Predict it")
    visitor.press("Clear it")
    with visitor.page.expect_event("requestfailed"):
        held[0].abort()
    expect(visitor.said).to_contain_text("Draw a digit")


@pytest.mark.parametrize("turn_away", ["Clear it", "Predict it"])
def test_a_drawing_that_is_given_up_on_its_way_to_the_server_is_among_the_drawings(
    visitor: Visitor, turn_away: str
) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route, request: Request) -> None:
        held.append(route) if request.method == "POST" and not held else route.continue_()

    visitor.page.route("**/api/v1/predictions", hold_the_first)
    visitor.draw(recorded("3"))
    with visitor.page.expect_request(lambda request: request.method == "POST"):
        visitor.press("Predict it")
    visitor.press("Clear it")
    visitor.draw(recorded("5"))
    visitor.press(turn_away)
    later = [] if turn_away == "Clear it" else ["5"]
    expect(visitor.drawings.locator(".read")).to_have_text(later)
    said = visitor.said.inner_text()
    drawn = visitor.drawing()
    held[0].continue_()
    expect(visitor.drawings.locator(".read")).to_have_text(["3", *later])
    assert visitor.said.inner_text() == said
    assert visitor.drawing() == drawn
