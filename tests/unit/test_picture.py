import struct
from zlib import compress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from shared.bad_image import BadImageError
from shared.contract import SIDE
from shared.picture import BOX, INK, MAX_PIXELS, MAX_SIDE, picture_from_png, pictures_from_png
from tests.services.pngs import chunk, png, raw_png


def seven(*, x: int = 0, y: int = 0) -> Image.Image:
    """Return a white 280 x 280 sheet with a black seven, moved by x, y."""
    image = Image.new("L", (280, 280), 255)
    points = [(70 + x, 60 + y), (170 + x, 60 + y), (110 + x, 220 + y)]
    ImageDraw.Draw(image).line(points, fill=0, width=18, joint="curve")
    return image


def slow_reference(sheet: Image.Image) -> NDArray[np.uint8]:
    """Do what docs and MNIST's authors say, a pixel at a time, without Pillow's resize."""
    ink = 255 - np.asarray(sheet).astype(float)
    rows = [y for y in range(ink.shape[0]) if max(ink[y]) > INK]
    columns = [x for x in range(ink.shape[1]) if max(ink[:, x]) > INK]
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(crop.shape)
    small = triangle(triangle(crop, round(crop.shape[0] * scale)).T, round(crop.shape[1] * scale)).T
    mass, picture = small.sum(), np.zeros((SIDE, SIDE))
    top = round(13.5 - sum(y * small[y].sum() for y in range(len(small))) / mass)
    left = round(13.5 - sum(x * small[:, x].sum() for x in range(small.shape[1])) / mass)
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture.round().astype(np.uint8)


def triangle(lines: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Shrink the first axis to size: each new line is the mean of the old ones, weighted by their distance."""
    step, old = len(lines) / size, np.arange(len(lines)) + 0.5
    weights = [np.maximum(0, 1 - abs(old / step - (new + 0.5))) for new in range(size)]
    return np.array([w @ lines / w.sum() for w in weights])


def test_a_picture_is_made_as_mnist_was_made() -> None:
    difference = picture_from_png(png(seven())).astype(int) - slow_reference(seven())
    assert abs(difference).max() <= 1


@pytest.mark.parametrize("side", [280, 28])
def test_the_longest_side_of_the_ink_takes_twenty_pixels(side: int) -> None:
    picture = picture_from_png(png(seven().resize((side, side))))
    assert picture.any(axis=1).sum() == BOX
    assert 10 < picture.any(axis=0).sum() < BOX


@given(st.integers(-60, 100), st.integers(-50, 50))
def test_where_the_digit_is_drawn_does_not_matter(x: int, y: int) -> None:
    np.testing.assert_array_equal(picture_from_png(png(seven(x=x, y=y))), picture_from_png(png(seven())))


def inverted(image: Image.Image) -> Image.Image:
    return image.point([255 - tone for tone in range(256)])


def heavy(corner: tuple[int, int]) -> Image.Image:
    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).line([(0, 0), (279, 279)], fill=200, width=3)
    ImageDraw.Draw(image).circle(corner, 40, fill=0)
    return image


@pytest.mark.parametrize(
    "image",
    [
        *map(heavy, [(0, 0), (279, 0), (0, 279), (279, 279)]),
        ImageOps.expand(Image.new("L", (20, 100)), (2, 0), 255),
        ImageOps.expand(Image.new("L", (100, 20)), (0, 2), 255),
    ],
)
@pytest.mark.parametrize("paper", [255, 0])
def test_ink_that_reaches_the_border_is_not_taken_for_paper(image: Image.Image, paper: int) -> None:
    tight = image if paper else inverted(image)
    wide = ImageOps.expand(tight, 40, paper)
    np.testing.assert_array_equal(picture_from_png(png(tight)), picture_from_png(png(wide)))


def on_transparent(image: Image.Image, ink: tuple[int, int, int]) -> Image.Image:
    sheet = Image.new("RGBA", image.size, (*ink, 0))
    sheet.putalpha(inverted(image))
    return sheet


def with_hole(image: Image.Image) -> Image.Image:
    """Return the sheet with a transparent black square, as a canvas's clearRect leaves it."""
    sheet = image.convert("RGBA")
    sheet.paste((0, 0, 0, 0), (200, 200, 260, 260))
    return sheet


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Return the PNG with one more chunk before its pixels."""
    place = data.index(b"IDAT") - 4
    return data[:place] + chunk(kind, body) + data[place:]


LONG_TEXT = b"Comment\0\0" + compress(bytes(5_000_000))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png(seven().convert("RGBA")), id="rgba"),
        pytest.param(png(seven().convert("RGB")), id="rgb"),
        pytest.param(png(seven().convert("LA")), id="grey and alpha"),
        pytest.param(png(seven().convert("P")), id="palette"),
        pytest.param(png(seven().convert("P"), transparency=255), id="palette with a transparent colour"),
        pytest.param(png(seven().convert("1")), id="1 bit"),
        pytest.param(png(inverted(seven())), id="light on dark"),
        pytest.param(png(on_transparent(seven(), (0, 0, 0))), id="black on transparent"),
        pytest.param(png(on_transparent(seven(), (255, 255, 255))), id="white on transparent"),
        pytest.param(png(with_hole(seven())), id="with a hole in its paper"),
        pytest.param(png(seven(), dpi=(300, 300), exif=b"Exif\0\0MM"), id="with chunks that pixels do not need"),
        pytest.param(with_chunk(png(seven()), b"zTXt", LONG_TEXT), id="with a text that inflates to 5 MB"),
        pytest.param(png(seven()) + b"GIF89a trailing", id="with bytes after its end"),
    ],
)
def test_every_kind_of_png_gives_the_same_picture(data: bytes) -> None:
    np.testing.assert_array_equal(picture_from_png(data), picture_from_png(png(seven())))


def test_sixteen_bits_are_as_good_as_eight() -> None:
    soft = seven().filter(ImageFilter.GaussianBlur(4))
    fine = Image.fromarray(np.asarray(soft).astype(np.uint16) * 257)
    np.testing.assert_array_equal(picture_from_png(png(fine)), picture_from_png(png(soft)))


def test_an_interlaced_png_is_read() -> None:
    interlaced = raw_png(280, 280, bytes([8, 0, 0, 0, 1]), adam7(np.asarray(seven())))
    np.testing.assert_array_equal(picture_from_png(interlaced), picture_from_png(png(seven())))


def adam7(pixels: NDArray[np.uint8]) -> bytes:
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [pixels[y::dy, x::dx] for y, x, dy, dx in passes]
    return b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)


def test_what_is_a_little_darker_than_paper_is_paper_and_a_pale_pencil_is_not() -> None:
    stained = seven()
    stained.paste(255 - 30, (200, 200, 260, 260))
    np.testing.assert_array_equal(picture_from_png(png(stained)), picture_from_png(png(seven())))
    assert picture_from_png(png(seven().point([215] * 128 + [255] * 128))).any()


def test_a_coloured_pen_on_grey_paper_reaches_full_ink() -> None:
    image = Image.new("RGB", (100, 100), (200, 200, 200))
    ImageDraw.Draw(image).line([(20, 20), (80, 80)], fill=(0, 0, 0), width=12)
    assert picture_from_png(png(image)).max() == 255


GOOD = png(seven().convert("RGBA"))
PALETTE = png(seven().convert("P"))
BLANK = png(Image.new("L", (280, 280), 255))
HUGE = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
ANIMATED = png(seven(), save_all=True, append_images=[seven(x=9)])


@pytest.mark.parametrize(
    ("slug", "data"),
    [
        pytest.param("undecodable-image", b"", id="nothing"),
        pytest.param("undecodable-image", GOOD[:8], id="signature only"),
        pytest.param("undecodable-image", GOOD[: len(GOOD) // 2], id="truncated"),
        pytest.param("undecodable-image", GOOD[:-12], id="without its end"),
        pytest.param("undecodable-image", b"GIF89a" + GOOD, id="a GIF"),
        pytest.param("undecodable-image", raw_png(0, 0, bytes([8, 0, 0, 0, 0]), b""), id="0 x 0"),
        pytest.param("undecodable-image", raw_png(1, 0, bytes([8, 0, 0, 0, 0]), b""), id="1 x 0"),
        pytest.param("undecodable-image", raw_png(1, 0, bytes([8, 6, 0, 0, 0]), b""), id="1 x 0, as a canvas writes"),
        pytest.param("undecodable-image", raw_png(0, 1, bytes([8, 6, 0, 0, 0]), b"\2"), id="0 x 1, as a canvas writes"),
        pytest.param("undecodable-image", raw_png(9, 9, bytes([8, 0, 0, 0, 0]), b"\0"), id="pixels missing"),
        pytest.param("undecodable-image", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(4)), id="short header"),
        pytest.param("undecodable-image", raw_png(1, 1, bytes([8, 3, 0, 0, 0]), b"\0\0"), id="without its palette"),
        pytest.param(
            "undecodable-image", with_chunk(PALETTE, b"tRNS", bytes(257)), id="more transparency than colours"
        ),
        pytest.param("blank-drawing", with_chunk(BLANK, b"IHDR", HUGE), id="another header, with a bomb's size"),
        pytest.param(
            "blank-drawing", raw_png(9, 1, bytes([8, 6, 0, 0, 0]), b"\2" + b"\xff" * 36), id="a canvas of one row"
        ),
        pytest.param("image-too-large", raw_png(50_000, 50_000, bytes([8, 0, 0, 0, 0]), bytes(10**6)), id="bomb"),
        pytest.param("image-too-large", raw_png(8192, 129, bytes([8, 0, 0, 0, 0]), b""), id="a row too many"),
        pytest.param("image-too-large", raw_png(MAX_SIDE + 1, 1, bytes([8, 0, 0, 0, 0]), b""), id="too wide"),
        pytest.param("image-too-large", raw_png(1, MAX_SIDE + 1, bytes([8, 0, 0, 0, 0]), b""), id="too high"),
        pytest.param("animated-image", ANIMATED, id="animated"),
        pytest.param("blank-drawing", png(Image.new("L", (280, 280), 255)), id="white"),
        pytest.param("blank-drawing", png(Image.new("L", (280, 280), 0)), id="black"),
        pytest.param("blank-drawing", png(Image.new("RGBA", (280, 280), 0)), id="transparent"),
        pytest.param("blank-drawing", png(Image.new("L", (1, 1), 0)), id="one pixel"),
    ],
)
def test_what_is_no_drawing_is_refused_by_its_kind(slug: str, data: bytes) -> None:
    with pytest.raises(BadImageError) as caught:
        picture_from_png(data)
    assert caught.value.slug == slug


@given(st.binary())
def test_any_bytes_give_a_picture_or_a_bad_image(data: bytes) -> None:
    with pytest.raises(BadImageError):
        picture_from_png(data)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_gives_a_picture_or_a_bad_image(hits: list[tuple[int, int]]) -> None:
    damaged = bytearray(GOOD)
    for place, value in hits:
        damaged[place] = value
    try:
        picture = picture_from_png(bytes(damaged))
    except BadImageError:
        return
    assert (picture.shape, picture.dtype) == ((SIDE, SIDE), np.uint8)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 2, 4, 8, 16]),
    st.sampled_from([0, 2, 3, 4, 6]),
    st.integers(0, 1),
    st.binary(max_size=400),
)
def test_any_header_gives_a_picture_or_a_bad_image(
    width: int, height: int, depth: int, colour: int, interlace: int, rows: bytes
) -> None:
    try:
        picture = picture_from_png(raw_png(width, height, bytes([depth, colour, 0, 0, interlace]), rows * 20))
    except BadImageError:
        return
    assert (picture.shape, picture.dtype) == ((SIDE, SIDE), np.uint8)


def test_one_digit_gives_one_picture() -> None:
    assert len(pictures_from_png(png(seven()))) == 1


@pytest.mark.parametrize("size", [(1024, 1024), (MAX_SIDE, 128), (128, MAX_SIDE)])
def test_a_drawing_may_have_as_many_pixels_as_are_told(size: tuple[int, int]) -> None:
    assert size[0] * size[1] == MAX_PIXELS
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).line([(20, 20), (20, 100)], fill=0, width=10)
    assert picture_from_png(png(image)).any()
