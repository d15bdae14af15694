"""The drawing of a seven, and PNGs as Pillow writes them and as nobody should."""

import io
import struct
import zlib
from base64 import b64encode
from pathlib import Path

from PIL import Image

SEVEN = (Path(__file__).parents[1] / "seven.png").read_bytes()
SEVEN_URL = f"data:image/png;base64,{b64encode(SEVEN).decode()}"


def png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def blank(width: int, height: int, **options: object) -> bytes:
    return png(Image.new("L", (width, height), 255), **options)


def moving(frames: int = 2) -> bytes:
    first, *others = (Image.new("L", (28, 28), shade) for shade in range(frames))
    return png(first, save_all=True, append_images=others)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(width: int, height: int, header_rest: bytes, rows: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">II", width, height) + header_rest)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
