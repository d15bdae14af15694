"""From a drawing (PNG bytes from anybody) to the model's picture, made as MNIST was made."""

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from shared.bad_image import BadImageError
from shared.canvas_png import grey_from_canvas
from shared.contract import MAX_PICTURES, SIDE
from shared.numbers import Ink, digits_apart

MAX_PIXELS = 1024 * 1024  # of a drawing; checked before anything is decoded; 80 MB at the worst
MAX_SIDE = 8192  # pixels: a drawing that is all rows, or all columns, takes many times as long as others of its size
INK = 32  # of 255; what is fainter is paper
BOX = 20  # the longest side of a digit in its picture, pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = 25  # of the IHDR chunk, with its length, kind and checksum
_WHITE = 255
_NEEDED = (b"PLTE", b"tRNS", b"IDAT", b"IEND")  # all that pixels are made of, after the one header that is checked

Picture = NDArray[np.uint8]  # (SIDE, SIDE), 0 paper to 255 ink


def picture_from_png(data: bytes) -> Picture:
    """Return the uint8 (SIDE, SIDE) picture, 0 paper to 255 ink, of all that the drawing shows.

    The ink is cropped, its longest side scaled to BOX pixels, its centre of mass put into the centre. Paper is what
    most of the drawing's border shows: light, dark or transparent.

    Raises:
        BadImageError: for anything that is not a still PNG with ink on it.
    """
    return picture_from_ink(_ink_from_png(data))


def picture_from_ink(ink: Ink) -> Picture:
    """Return the picture of ink that is decoded already; errors as above."""
    return _centred(_fitted(_cropped(ink)))


def pictures_from_png(data: bytes) -> list[Picture]:
    """Return the pictures of the drawing's digits, left to right, 1 to MAX_PICTURES; errors as picture_from_png.

    What falls into more pieces is no number: it becomes one picture, which no model should take for a digit.
    """
    return pictures_from_ink(_ink_from_png(data))


def pictures_from_ink(ink: Ink) -> list[Picture]:
    """Return the pictures, as above, of ink that is decoded already."""
    ink = _cropped(ink)
    digits = digits_apart(ink, INK)
    crops = [ink if digit is ink else _cropped(digit) for digit in (digits if len(digits) <= MAX_PICTURES else [ink])]
    return [_centred(_fitted(crop)) for crop in crops]


def _ink_from_png(data: bytes) -> Ink:
    chunks = list(_needed_chunks(data))
    grey = grey_from_canvas(chunks)
    return _ink_from_image(_decoded(chunks)) if grey is None else _contrast(grey)


def _decoded(chunks: Sequence[bytes]) -> Image.Image:
    png = io.BytesIO(_SIGNATURE + b"".join(chunks))
    try:
        image = Image.open(png, formats=("PNG",))
        image.load()
        if image.mode == "P" and image.palette:
            image = image.convert("RGBA")  # only this looks at what is transparent in the palette
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise _undecodable("the PNG is damaged") from error
    if image.mode == "P":
        raise _undecodable("the PNG lacks its palette")
    return image


def _needed_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the chunks that make pixels, so that no decoder sees texts, profiles and whatever else a PNG may carry."""
    if not data.startswith(_SIGNATURE):
        raise _undecodable("these bytes are no PNG")
    start, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = _chunk_head(data, start)
        end = start + 12 + length  # length, kind and checksum take four bytes each
        if start == len(_SIGNATURE):
            _check_size(data[start:end])
        if kind == b"acTL":
            raise BadImageError("animated-image", "a drawing stands still: send a PNG without animation")
        if kind in _NEEDED or start == len(_SIGNATURE):
            yield data[start:end]
        start = end


def _chunk_head(data: bytes, start: int) -> tuple[int, bytes]:
    if len(data) < start + 12:
        raise _undecodable("the PNG ends too early")
    return struct.unpack_from(">I4s", data, start)


def _check_size(header: bytes) -> None:
    if len(header) != _HEADER_BYTES or header[4:8] != b"IHDR":
        raise _undecodable("the PNG has no header")
    width, height = struct.unpack_from(">II", header, 8)
    if not width or not height:
        raise _undecodable("the PNG has no pixels")
    if width * height > MAX_PIXELS:
        raise BadImageError("image-too-large", f"the drawing is {width} x {height}: send at most {MAX_PIXELS} pixels")
    if max(width, height) > MAX_SIDE:
        raise BadImageError("image-too-large", f"the drawing is {width} x {height}: no side may be over {MAX_SIDE}")


def _undecodable(what: str) -> BadImageError:
    return BadImageError("undecodable-image", f"{what}: send a whole PNG")


def _ink_from_image(image: Image.Image) -> Ink:
    """Return how far each pixel is from paper."""
    if image.mode == "I;16":  # Pillow would clip its values, not scale them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    grey = np.asarray(image.convert("L"))
    if not image.has_transparency_data:
        return _contrast(grey)
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if not _at_border(alpha):  # on transparent paper everything that shows is ink, whatever its colour
        return alpha
    if alpha.min() == _WHITE:  # opaque all over
        return _contrast(grey)
    return np.asarray(ImageChops.multiply(Image.fromarray(_contrast(grey)), Image.fromarray(alpha)))


def _contrast(grey: NDArray[np.uint8]) -> Ink:
    paper = _at_border(grey)
    if paper == _WHITE:  # as nearly always, and much quicker
        return _WHITE - grey
    reach = max(paper, _WHITE - paper)
    return np.array([abs(tone - paper) * _WHITE // reach for tone in range(256)], np.uint8)[grey]


def _at_border(band: NDArray[np.uint8]) -> int:
    """Return the median of the pixels around the band."""
    border = np.concatenate([band[0], band[-1], band[:, 0], band[:, -1]])
    return _WHITE if border.min() == _WHITE else int(np.median(border))  # nearly always, and much quicker


def _cropped(ink: Ink) -> Ink:
    inked = ink > INK
    columns, rows = np.flatnonzero(inked.any(axis=0)), np.flatnonzero(inked.any(axis=1))
    if not len(rows):
        raise BadImageError("blank-drawing", "there is nothing on the drawing: draw a digit first")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(crop: Ink) -> Ink:
    """Return the crop with its longest side scaled to BOX, (1 to BOX, 1 to BOX)."""
    height, width = crop.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BILINEAR))


def _centred(digit: Ink) -> Picture:
    """Return the picture with the digit's centre of mass at its centre, to the pixel, as far as the digit fits."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (_offset(digit.sum(axis=1)), _offset(digit.sum(axis=0)))
    picture[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return picture


def _offset(mass: NDArray[np.uint64]) -> int:
    centre = float(mass @ np.arange(len(mass))) / max(1.0, float(mass.sum()))
    return min(max(0, round((SIDE - 1) / 2 - centre)), SIDE - len(mass))
