"""What is no digit, made in other ways than training's: to judge by, never to learn from."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.numbers import Ink
from training.canvas import draw
from training.junk import LETTERS

SHEET = 280  # pixels a side
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "DejaVuSansMono",
    "cmr10",
    "STIXGeneral",
)

Random = np.random.Generator


def scribble(random: Random) -> Ink:
    """Return the ink of a pen that wanders through five to twelve Bezier curves."""
    image = Image.new("L", (SHEET, SHEET))
    corners = random.uniform(30, 250, (3 * int(random.integers(5, 13)) + 1, 2))
    pen, time = random.uniform(8, 22), np.linspace(0, 1, 16)[:, None]
    for start in range(0, len(corners) - 3, 3):
        a, b, c, d = corners[start : start + 4]
        curve = (1 - time) ** 3 * a + 3 * time * (1 - time) ** 2 * b + 3 * time**2 * (1 - time) * c + time**3 * d
        draw(image, [curve], pen)
    return np.asarray(image)


def shape(random: Random) -> Ink:
    """Return the ink of a polygon, filled or not, a sector, a row of bars, or dots."""
    image = Image.new("L", (SHEET, SHEET))
    canvas = ImageDraw.Draw(image)
    kind, pen = int(random.integers(5)), int(random.uniform(8, 22))
    if kind < 2:
        corners = int(random.integers(3, 6))
        points = [
            (float(x), float(y)) for x, y in 140 + _directions(corners, random) * random.uniform(60, 120, (corners, 1))
        ]
        canvas.polygon(points, fill=255 if kind else 0, outline=255, width=pen)
    elif kind == 2:
        start = random.uniform(0, 360)
        canvas.pieslice((60, 60, 220, 220), start, start + random.uniform(60, 300), fill=255)
    elif kind == 3:
        places = np.linspace(60, 220, int(random.integers(3, 5)))
        bars = [np.array([(place, 60.0), (place, 220.0)]) for place in places]
        draw(image, [bar if random.random() < 0.5 else bar[:, ::-1] for bar in bars], pen)
    else:
        for x, y in random.uniform(40, 240, (int(random.integers(3, 7)), 2)):
            canvas.ellipse((x - pen, y - pen, x + pen, y + pen), fill=255)
    return np.asarray(image)


def letter(random: Random) -> Ink:
    """Return the ink of a printed letter that is not like a digit, turned a little."""
    sign, name = LETTERS[int(random.integers(len(LETTERS)))], FONTS[int(random.integers(len(FONTS)))]
    image = Image.new("L", (SHEET, SHEET))
    ImageDraw.Draw(image).text((140, 140), sign, fill=255, font=_font(name, int(random.uniform(120, 240))), anchor="mm")
    return np.asarray(image.rotate(random.uniform(-12, 12), Image.Resampling.BILINEAR))


KINDS: dict[str, Callable[[Random], Ink]] = {"scribbles": scribble, "shapes": shape, "letters": letter}


def _directions(corners: int, random: Random) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False) + random.uniform(0, 2 * np.pi)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"), size)
