"""The benchmark is fair: every contestant sees the same pictures, drawn as a browser writes them."""

import numpy as np

from shared.canvas_png import grey_from_canvas
from shared.picture import picture_from_png
from tests.bench.drawings import pngs
from tests.bench.peers import plain


def test_the_peers_see_the_picture_that_quill_sees() -> None:
    for png in pngs(20):
        np.testing.assert_array_equal(plain.picture_from_png(png), picture_from_png(png))


def test_the_drawings_are_written_as_chromium_writes_them() -> None:
    for png in pngs(3):
        head, body, end = png[8:33], png[33:-12], png[-12:]
        assert grey_from_canvas([head, body, end]) is not None
