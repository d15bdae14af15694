import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from shared.contract import MAX_PICTURES
from shared.numbers import digits_apart
from shared.picture import INK, picture_from_png, pictures_from_png
from tests.services.pngs import png

Points = list[tuple[float, float]]

FOUR: list[Points] = [[(30, 0), (0, 60), (60, 60)], [(40, 30), (40, 100)]]
WIDE_FOUR: list[Points] = [[(1.5 * x, y) for x, y in stroke] for stroke in FOUR]
SEVEN: list[Points] = [[(0, 0), (50, 0), (20, 100)]]
ONE: list[Points] = [[(0, 0), (0, 100)]]
FIVE_WITH_LOOSE_BAR: list[Points] = [[(10, 20), (8, 45), (40, 60), (35, 95), (0, 100)], [(52, 0), (80, 0)]]
FIVE_WITH_SLOPING_BAR: list[Points] = [FIVE_WITH_LOOSE_BAR[0], [(56, 0), (84, 22)]]
ZERO: list[Points] = [[(50 + 50 * np.cos(t), 50 + 50 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 40)]]
LOW_ZERO: list[Points] = [[(0.7 * x, 0.7 * y + 25) for x, y in ZERO[0]]]
ZERO_WITH_TAIL: list[Points] = [*ZERO, [(50, 100), (130, 100), (130, 55)]]
OPEN_ZERO: list[Points] = [[(60 + 58 * np.cos(t), 50 + 50 * np.sin(t)) for t in np.linspace(-1.07, 4.66, 40)]]
WIDE_OPEN_ZERO: list[Points] = [[(1.25 * x, y) for x, y in OPEN_ZERO[0]]]
SLANTED: list[Points] = [[(60, 0), (0, 100)]]
FOOT: list[Points] = [[(0, 0), (0, 100), (60, 100)]]
HOOK: list[Points] = [[(0, 0), (60, 0), (60, 100)]]

SCALES = pytest.mark.parametrize("scale", [1, 3])  # 3 is looked at in squares of two pixels a side


def drawn(*digits: tuple[list[Points], float], pen: int = 12, scale: int = 1) -> Image.Image:
    """Return a sheet with each digit's strokes drawn from its column on, each pixel scale pixels a side."""
    sheet = Image.new("L", (560, 200), 255)
    canvas = ImageDraw.Draw(sheet)
    for strokes, left in digits:
        for stroke in strokes:
            points = [(x + left + 30, y + 50) for x, y in stroke]
            canvas.line(points, fill=0, width=pen, joint="curve")
            for x, y in points:
                canvas.circle((x, y), pen / 2, fill=0)
    return sheet.resize((560 * scale, 200 * scale), Image.Resampling.NEAREST)


def pictures(image: Image.Image) -> list[NDArray[np.uint8]]:
    return pictures_from_png(png(image))


def alone(digit: list[Points], pen: int = 12) -> NDArray[np.uint8]:
    return picture_from_png(png(drawn((digit, 0), pen=pen)))


@pytest.mark.parametrize(
    ("digits", "pen"),
    [
        ([(FOUR, 0.0), (ZERO, 110.0), (SEVEN, 260.0)], 12),
        ([(ONE, 0.0), (FIVE_WITH_LOOSE_BAR, 60.0), (ONE, 160.0)], 6),
    ],
)
def test_digits_are_read_left_to_right_each_as_if_it_were_alone(
    digits: list[tuple[list[Points], float]], pen: int
) -> None:
    number = pictures(drawn(*digits, pen=pen))
    np.testing.assert_array_equal(number, [alone(digit, pen) for digit, _ in digits])


@pytest.mark.parametrize("pen", [16, 20])
def test_a_wide_zero_that_is_open_at_its_top_stays_whole(pen: int) -> None:
    assert len(pictures(drawn((OPEN_ZERO, 0), pen=pen))) == 1


@pytest.mark.parametrize("zero", [OPEN_ZERO, WIDE_OPEN_ZERO])
def test_nor_does_it_come_apart_beside_other_digits(zero: list[Points]) -> None:
    number = pictures(drawn((ONE, 0), (zero, 40)))
    np.testing.assert_array_equal(number, [alone(digit) for digit in (ONE, zero)])


@pytest.mark.parametrize("digit", [FOUR, WIDE_FOUR, SEVEN, ONE, ZERO, SLANTED, FIVE_WITH_LOOSE_BAR, ZERO_WITH_TAIL])
@pytest.mark.parametrize("pen", [6, 12, 20])
@SCALES
def test_one_digit_stays_whole(digit: list[Points], pen: int, scale: int) -> None:
    sheet = drawn((digit, 0), pen=pen, scale=scale)
    np.testing.assert_array_equal(pictures(sheet), [picture_from_png(png(sheet))])


@pytest.mark.parametrize("digit", [ZERO, FIVE_WITH_LOOSE_BAR])
def test_the_faint_edges_of_one_digit_stay(digit: list[Points]) -> None:
    sheet = drawn((digit, 0)).filter(ImageFilter.GaussianBlur(2))
    np.testing.assert_array_equal(pictures(sheet), [picture_from_png(png(sheet))])


@pytest.mark.parametrize("pen", [6, 8])  # a thicker one joins it to its five
def test_a_bar_that_slopes_belongs_to_its_five(pen: int) -> None:
    assert len(pictures(drawn((FIVE_WITH_SLOPING_BAR, 0), pen=pen))) == 1


@pytest.mark.parametrize(("left", "right", "apart"), [(SLANTED, SLANTED, 30), (FOOT, HOOK, 34)])
@SCALES
def test_digits_that_lean_over_each_other_are_cut(
    left: list[Points], right: list[Points], apart: float, scale: int
) -> None:
    number = pictures(drawn((left, 0), (right, apart), scale=scale))
    np.testing.assert_array_equal(number, [picture_from_png(png(drawn((d, 0), scale=scale))) for d in (left, right)])


@pytest.mark.parametrize(
    "digits",
    [
        [(FOUR, 0.0), (ZERO, 72.0)],
        [(FOUR, 0.0), (LOW_ZERO, 70.0)],
        [(FOUR, 0.0), (FOUR, 64.0)],
        [(FOUR, 0.0), (ZERO, 72.0), (FOUR, 160.0)],
        [(FOUR, 0.0), (ZERO, 72.0), (SLANTED, 168.0)],
    ],
)
@SCALES
def test_digits_that_touch_are_cut_and_stay_in_their_order(
    digits: list[tuple[list[Points], float]], scale: int
) -> None:
    number = pictures(drawn(*digits, scale=scale))
    expected = [alone(digit).astype(int) for digit, _ in digits]
    differences = [[abs(one - picture).sum() for one in expected] for picture in number]
    np.testing.assert_array_equal([expected[np.argmin(row)] for row in differences], expected)  # the cut costs some ink


@pytest.mark.parametrize("dots", [[(200.0, -20.0), (20.0, -40.0)], [(20.0, -40.0)], [(20.0, 130.0)]])
def test_a_dot_of_dirt_changes_nothing(dots: Points) -> None:
    clean, dirty = drawn((FOUR, 0)), drawn((FOUR, 0), *[([[dot]], 0) for dot in dots])
    np.testing.assert_array_equal(pictures(dirty), pictures(clean))


def test_a_dot_alone_is_kept() -> None:
    assert pictures(drawn(([[(20, 20)]], 0)))[0].any()


def test_what_falls_into_too_many_pieces_is_one_picture() -> None:
    pieces = [(ONE, 40.0 * n) for n in range(MAX_PICTURES + 1)]
    assert len(pictures(drawn(*pieces[:-1]))) == MAX_PICTURES
    np.testing.assert_array_equal(pictures(drawn(*pieces)), [picture_from_png(png(drawn(*pieces)))])


def striped(height: int, width: int) -> NDArray[np.uint8]:
    ink = np.zeros((height, width), np.uint8)
    ink[:, ::2] = 255
    return ink


@pytest.mark.parametrize(
    "ink",
    [
        pytest.param(striped(50, 4000), id="2000 columns"),
        pytest.param(np.full((32, 4096), 255, np.uint8), id="a bar that could be cut 355 times"),
    ],
)
def test_ink_that_falls_into_too_much_stays_whole_and_takes_little_memory(ink: NDArray[np.uint8]) -> None:
    tracemalloc.start()
    (whole,) = digits_apart(ink, INK)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(whole, ink)
    assert peak < 200 * ink.size  # four times what it takes: other threads' memory counts, too


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.02, 0.9))
def test_any_ink_comes_apart_without_loss_or_doubling(height: int, width: int, seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    ink = np.where(random.random((height, width)) < share, 255, 0).astype(np.uint8)
    ink[0, 0] = 255
    parts = digits_apart(ink, INK)
    together = np.sum([part.astype(int) for part in parts], axis=0)
    assert all(part.any() for part in parts)
    assert np.all((together == 0) | (together == ink))
