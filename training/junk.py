"""What is no digit, as pen strokes: scribbles, shapes, letters, several digits in one, crossed-out digits, dots."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from training.shapes import shape
from training.strokes import Strokes, Written, bent, fitted

DIGIT_LIKE = "OoIilSsZzBbqgGDQ"  # letters that may be meant as digits: neither taught as digits nor as junk
LETTERS = "".join(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in DIGIT_LIKE)
FONTS = ("futural", "rowmans", "scripts", "scriptc", "cursive", "timesi", "rowmand")
SIGNS = "#$%&*+<=>?@^~"


def junk(digits: Sequence[Written], random: np.random.Generator) -> Strokes:
    """Return strokes that are no digit, longest side 1; the digits are what several in one are made of."""
    kind = random.random()
    if kind < 0.25:
        return bent(_scribble(random), random)
    if kind < 0.45:
        return bent(shape(random), random)
    if kind < 0.75:
        return bent(_letter(random), random)
    if kind < 0.93:
        return _several(digits, random)
    return _crossed_out(digits, random) if kind < 0.97 else _speck(random)


def _scribble(random: np.random.Generator) -> Strokes:
    """Wander: jagged, smooth, or in loops."""
    kind = random.integers(3)
    if kind == 0:
        return fitted([random.uniform(-1, 1, (random.integers(4, 14), 2))])
    steps = random.normal(0, 1, (random.integers(30, 150), 2))
    if kind == 1:
        smooth = np.ones(n := int(random.integers(3, 12))) / n
        steps = np.stack([np.convolve(steps[:, axis], smooth, "same") for axis in (0, 1)], axis=1)
        return fitted([np.cumsum(steps, axis=0)])
    time = np.linspace(0, 2 * np.pi * random.uniform(2, 6), 120)
    drift = np.outer(time, random.normal(0, 0.15, 2))
    return fitted([drift + np.stack([np.cos(time), np.sin(time * random.uniform(0.7, 1.3))], axis=1)])


def _letter(random: np.random.Generator) -> Strokes:
    glyphs = _glyphs()
    return glyphs[random.integers(len(glyphs))]


@cache  # reading the fonts takes a second
def _glyphs() -> list[Strokes]:
    glyphs: list[Strokes] = []
    fonts: Any = import_module("HersheyFonts")  # as Any, as it has no types
    for name in FONTS:
        font = fonts.HersheyFonts()
        font.load_default_font(name)
        glyphs += [_glyph(font, sign) for sign in LETTERS + (SIGNS if name == FONTS[0] else "")]
    return glyphs


def _glyph(font: Any, sign: str) -> Strokes:
    return fitted([np.array(stroke, float) for stroke in font.strokes_for_text(sign)])


def _several(digits: Sequence[Written], random: np.random.Generator) -> Strokes:
    """Write two or three digits beside each other, apart or touching."""
    strokes: Strokes = []
    right = 0.0
    for _ in range(random.choice([2, 3], p=[0.8, 0.2])):
        digit = bent(_any_of(digits, random).strokes, random)
        points = np.concatenate(digit)
        move = np.array([right - points[:, 0].min(), random.normal(0, 0.05)])
        strokes += [stroke + move for stroke in digit]
        right += np.ptp(points[:, 0]) + random.uniform(-0.1, 0.35)
    return fitted(strokes)


def _any_of(digits: Sequence[Written], random: np.random.Generator) -> Written:
    return digits[int(random.integers(len(digits)))]


def _crossed_out(digits: Sequence[Written], random: np.random.Generator) -> Strokes:
    digit = bent(_any_of(digits, random).strokes, random)
    return fitted(digit + [random.uniform(-0.6, 0.6, (2, 2)) * (1.3, 1) for _ in range(random.integers(2, 6))])


def _speck(random: np.random.Generator) -> Strokes:
    return [np.cumsum(random.normal(0, 0.02, (4, 2)), axis=0)]
