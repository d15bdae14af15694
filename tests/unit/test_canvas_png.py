import io
import itertools
import struct
import tracemalloc
import zlib
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from shared.canvas_png import grey_from_canvas
from tests.services.pngs import chunk, png, raw_png

UP, PAETH = 2, 4  # filters of a row: what its bytes are the difference to


def as_chromium_writes(image: Image.Image, *, last: bytes = b"", last_filter: int = UP) -> bytes:
    """Return the PNG of an RGBA image whose rows, but maybe for the last, tell their difference to the row above."""
    rows = np.asarray(image).reshape(image.height, -1)
    steps = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    filtered = np.insert(steps, 0, UP, axis=1)
    filtered[-1, 0] = last_filter
    return raw_png(image.width, image.height, bytes([8, 6, 0, 0, 0]), filtered.tobytes() + last)


def read_by_pillow(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def chunks_of(data: bytes) -> list[bytes]:
    cuts = [8]
    while cuts[-1] < len(data):
        cuts.append(cuts[-1] + 12 + int.from_bytes(data[cuts[-1] : cuts[-1] + 4]))
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


def noise(seed: int, *, colours: int = 1) -> Image.Image:
    tones = np.random.default_rng(seed).integers(0, 256, (9, 13, colours), np.uint8)
    return Image.fromarray(np.broadcast_to(tones, (9, 13, 3)).copy()).convert("RGBA")


def transparent(image: Image.Image) -> Image.Image:
    image.putalpha(image.getchannel("R"))
    return image


@given(st.integers(0, 10**6))
def test_what_chromium_writes_is_read_as_pillow_reads_it(seed: int) -> None:
    data = as_chromium_writes(noise(seed))
    grey = grey_from_canvas(chunks_of(data))
    assert grey is not None
    np.testing.assert_array_equal(grey, read_by_pillow(data))


def test_chromium_is_read_without_pillow(chromium: Browser) -> None:
    page = chromium.new_page()
    url = page.evaluate(
        """() => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 280, height: 280 });
            const context = canvas.getContext("2d");
            context.fillStyle = "white";
            context.fillRect(0, 0, 280, 280);
            context.arc(140, 140, 80, 0, 6);
            context.lineWidth = 18;
            context.stroke();
            return canvas.toDataURL("image/png");
        }"""
    )
    page.close()
    data = b64decode(url.partition(",")[2])
    grey = grey_from_canvas(chunks_of(data))
    assert grey is not None
    np.testing.assert_array_equal(grey, read_by_pillow(data))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(as_chromium_writes(noise(1, colours=3)), id="coloured"),
        pytest.param(as_chromium_writes(transparent(noise(1))), id="transparent"),
        pytest.param(as_chromium_writes(noise(1), last=b"\0"), id="a byte too many"),
        pytest.param(png(noise(1)), id="other filters"),
        pytest.param(as_chromium_writes(noise(1), last_filter=PAETH), id="another filter in its last row"),
        pytest.param(png(noise(1).convert("L")), id="one channel"),
        pytest.param(as_chromium_writes(noise(1)).replace(b"IDATx", b"IDATy"), id="damaged"),
    ],
)
def test_what_is_written_in_another_way_is_left_to_pillow(data: bytes) -> None:
    assert grey_from_canvas(chunks_of(data)) is None


def canvas(stream: bytes) -> list[bytes]:
    """Return the chunks of a canvas of 100 x 100 with these compressed rows."""
    header = struct.pack(">II", 100, 100) + bytes([8, 6, 0, 0, 0])
    return [chunk(b"IHDR", header), chunk(b"IDAT", stream), chunk(b"IEND", b"")]


def test_a_canvas_inflates_to_no_more_than_its_size() -> None:
    bomb = zlib.compress(bytes(60_000_000))
    grey_from_canvas(canvas(zlib.compress(bytes(100))))  # what is loaded once, before it is measured
    tracemalloc.start()
    try:
        assert grey_from_canvas(canvas(bomb)) is None
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_canvas_whose_rows_are_cut_off_is_left_to_pillow() -> None:
    stream = zlib.compress(bytes([2, *[0, 0, 0, 255] * 100]) + bytes([2, *bytes(400)]) * 99)
    assert grey_from_canvas(canvas(stream)) is not None
    assert grey_from_canvas(canvas(stream[:-4])) is None  # all rows are there, the checksum is not
