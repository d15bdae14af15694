"""Draws pen strokes as the page's canvas does, with round caps and joints, and makes pictures of them."""

import numpy as np
from PIL import Image, ImageDraw

from shared.numbers import Ink
from shared.picture import Picture, picture_from_ink
from training.strokes import Strokes

CANVAS = 280  # the page's canvas, pixels a side
_FINE = 200  # pixels that a small drawing is drawn with before it is shrunk, so that its edges are smooth


def random_picture(strokes: Strokes, random: np.random.Generator) -> Picture:
    """Return the picture of the strokes drawn in any usual size, place and pen; a quarter of them are small."""
    size = CANVAS * (random.uniform(0.2, 0.4) if random.random() < 0.25 else random.uniform(0.4, 0.95))
    pen = min(random.uniform(9, 26), 0.36 * size)  # thicker, nobody could read it
    return picture(strokes, size=size, pen=pen, offset=random.random(2))


def picture(strokes: Strokes, *, size: float, pen: float, offset: np.ndarray | None = None) -> Picture:
    """Return the one picture of the strokes, drawn as below: what is learnt from is one digit, and stays whole."""
    return picture_from_ink(inked(strokes, size=size, pen=pen, offset=offset))


def inked(strokes: Strokes, *, size: float, pen: float, offset: np.ndarray | None = None) -> Ink:
    """Return the ink of the strokes, whose longest side is 1, drawn on the canvas.

    Args:
        strokes: what to draw.
        size: the ink's longest side on the canvas, pixels.
        pen: the line's width, pixels.
        offset: where between two pixels the drawing begins; where on the canvas it stands does not matter to a picture.
    """
    fine = max(1, round(_FINE / size))
    side = (int(size) + 4) * fine
    image = Image.new("L", (side, side))
    scale = max(size - pen, 1.0) * fine
    middle = side / 2 + (offset if offset is not None else 0)
    draw(image, [stroke * scale + middle for stroke in strokes], pen * fine)
    return np.asarray(image.reduce(fine) if fine > 1 else image)


def draw(image: Image.Image, strokes: Strokes, pen: float) -> None:
    """Draw the strokes, in pixels, with a round pen of full ink."""
    canvas, radius = ImageDraw.Draw(image), pen / 2
    for stroke in strokes:
        corners = [(float(x), float(y)) for x, y in stroke]
        if len(corners) > 1:
            canvas.line(corners, fill=255, width=round(pen))
        for x, y in corners:
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
