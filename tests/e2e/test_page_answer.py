"""The page's main job: draw, ask, be answered, and see how the answer came about."""

import re
from base64 import b64decode

import pytest
from playwright.sync_api import expect

from tests.e2e.visitor import SCRIBBLE, Visitor, photograph, recorded

pytestmark = pytest.mark.e2e


def test_a_drawn_digit_is_answered(visitor: Visitor) -> None:
    visitor.draw(recorded("0"))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("0")


def test_the_answer_comes_with_ten_bars_of_which_its_own_is_the_longest(visitor: Visitor) -> None:
    visitor.predict("7")
    expect(visitor.bars).to_have_count(10)
    shares = [_share(text) for text in visitor.bars.all_inner_texts()]
    assert shares.index(max(shares)) == 7
    assert sum(shares) == pytest.approx(100, abs=5)  # each is rounded
    expect(visitor.page.locator(".bars .best")).to_contain_text("7")


def test_a_number_is_answered_with_bars_for_each_of_its_digits(visitor: Visitor) -> None:
    for digit, left in (("4", 5), ("0", 100), ("7", 195)):
        visitor.draw(recorded(digit, (left, 95, 80)))
    visitor.press("Predict it")
    expect(visitor.answer).to_have_text("407")
    expect(visitor.bars).to_have_count(30)
    expect(visitor.page.get_by_label("Place 2").locator(".best")).to_contain_text("0")
    photograph(visitor.page, "number")


def test_a_scribble_is_not_taken_for_a_digit(visitor: Visitor) -> None:
    visitor.draw(SCRIBBLE)
    visitor.press("Predict it")
    expect(visitor.said).to_have_text("Not sure: this is probably no digit.")
    expect(visitor.answer).to_be_visible()
    expect(visitor.answer).to_be_empty()  # but for the question mark
    assert visitor.answer.evaluate("element => getComputedStyle(element, '::after').content") == '"?"'
    expect(visitor.drawings.first.locator(".read")).to_have_text("?")
    photograph(visitor.page, "not-sure")


def test_the_picture_shown_is_the_one_that_the_model_saw(visitor: Visitor) -> None:
    visitor.predict("3")
    shown: list[int] = visitor.page.get_by_label("picture that the model saw").evaluate(
        "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data).filter((_, at) => at % 4 === 0)"
    )
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    assert [255 - grey for grey in shown] == list(b64decode(prediction["pictures"][0]))


PARTS_OF_THE_WAY = """() => [...document.querySelectorAll("#stages .line > span")].map(({ style }) =>
  ["--start", "--share"].map((name) => Number(style.getPropertyValue(name))))"""


def test_the_way_of_the_drawing_names_each_stage_with_batch_worker_and_times(visitor: Visitor) -> None:
    visitor.predict("2")
    expect(visitor.stages.locator(".name")).to_have_text(["Accepted", "Queued", "Waited", "Classified", "Stored"])
    expect(visitor.page.locator("#stages .passed")).to_have_count(5)
    prediction = visitor.server_has(visitor.predictions()[0])
    assert prediction
    classified = visitor.stages.filter(has_text="Classified")
    expect(classified).to_contain_text(f"alone, by {prediction['worker']}")
    expect(classified.locator(".ms")).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    version = re.escape(prediction["model_version"])
    in_all = rf"[\d.]+ m?s in all, by model {version}. You had the answer [\d.]+ m?s after you asked."
    expect(visitor.page.locator("#total")).to_have_text(re.compile(f"^{in_all}$"))
    end = 0.0
    for start, share in visitor.page.evaluate(PARTS_OF_THE_WAY):
        assert start == pytest.approx(end)
        end = start + share
    assert end == pytest.approx(1)


def test_the_answer_is_read_aloud(visitor: Visitor) -> None:
    aloud = visitor.page.locator("[aria-live=polite]", has=visitor.answer)
    visitor.predict("8")
    expect(aloud).to_contain_text("8")
    expect(aloud).to_contain_text("% sure")


def test_a_double_click_sends_one_drawing(visitor: Visitor) -> None:
    sent = sent_by(visitor)
    visitor.draw(recorded("4"))
    visitor.page.get_by_role("button", name="Predict it").dblclick()
    expect(visitor.answer).to_have_text("4")
    assert len(sent) == 1


def test_a_blank_paper_is_refused_with_a_sentence_and_nothing_is_sent(visitor: Visitor) -> None:
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.method) if "/api/" in request.url else None)
    visitor.press("Predict it")
    expect(visitor.said).to_have_text("The paper is blank. Draw a digit first.")
    visitor.pad.press("7")  # corrects what is shown
    assert sent == []


def test_clearing_takes_drawing_and_answer_away(visitor: Visitor) -> None:
    blank = visitor.drawing()
    visitor.predict("5")
    visitor.press("8")
    expect(visitor.page.locator("#corrected")).not_to_be_empty()
    visitor.press("Clear it")
    assert visitor.drawing() == blank
    expect(visitor.answer).to_be_empty()
    expect(visitor.bars).to_have_count(0)
    expect(visitor.page.locator("#stages .passed")).to_have_count(0)
    expect(visitor.page.locator("#correction")).to_be_hidden()
    expect(visitor.page.locator("#corrected")).to_be_empty()


def sent_by(visitor: Visitor) -> list[str]:
    """Return a list that grows with each drawing which the page sends."""
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def test_with_the_option_set_a_drawing_is_predicted_when_the_pen_rests(visitor: Visitor) -> None:
    sent, run_for = sent_by(visitor), visitor.stop_the_clock()
    option = visitor.page.get_by_label("Predict when the pen rests")
    first, last = recorded("4")
    visitor.draw([first])
    option.check()
    run_for(900)
    visitor.draw([last])
    run_for(900)
    assert sent == []
    run_for(100)
    expect(visitor.answer).to_have_text("4")
    assert len(sent) == 1
    visitor.page.reload()
    expect(option).to_be_checked()


def test_with_the_option_set_no_stroke_is_cut_short_and_nothing_sent_twice(visitor: Visitor) -> None:
    sent, run_for = sent_by(visitor), visitor.stop_the_clock()
    visitor.draw([[(140, 40)]])
    visitor.page.get_by_label("Predict when the pen rests").check()
    run_for(1000)
    expect(visitor.drawings).to_have_count(1)
    visitor.pad.hover()
    visitor.page.mouse.down()
    run_for(2000)
    visitor.page.mouse.up()
    run_for(900)
    assert len(sent) == 1
    run_for(100)
    expect(visitor.drawings).to_have_count(2)
    visitor.draw([[(40, 140)]])
    visitor.press("Predict it")
    run_for(2000)
    expect(visitor.drawings).to_have_count(3)
    assert len(sent) == 3


def _share(text: str) -> float:
    found = re.search(r"(\d+) %", text)
    assert found
    return float(found[1])
