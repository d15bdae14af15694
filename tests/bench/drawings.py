"""The drawings that every contestant gets: real pen strokes, painted and packed as Chromium does it."""

import gzip
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

STROKES = Path("training/data/pen-digits.jsonl.gz")
SIDE = 280
INK = 190  # the digit's longer side, pixels
PEN = 18
FINER = 4  # times finer than the drawing, for soft edges

Stroke = Sequence[tuple[float, float]]


def pngs(count: int) -> list[bytes]:
    """Return that many different drawings, 280 x 280 RGBA."""
    with gzip.open(STROKES, "rt") as lines:
        digits = [json.loads(line)["strokes"] for line, _ in zip(lines, range(count), strict=False)]
    return [_packed(_painted(_placed(strokes))) for strokes in digits]


def _placed(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Return the strokes scaled to INK and put into the middle."""
    points = np.array([point for stroke in strokes for point in stroke])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = INK / max(high - low)
    corner = (SIDE - (high - low) * scale) / 2
    return [[tuple((point - low) * scale + corner) for point in np.array(stroke)] for stroke in strokes]


def _painted(strokes: Sequence[Stroke]) -> Image.Image:
    sheet = Image.new("RGBA", (SIDE * FINER, SIDE * FINER), "white")
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        points = [(x * FINER, y * FINER) for x, y in stroke]
        pen.line(points, fill="black", width=PEN * FINER, joint="curve")
        for point in (points[0], points[-1]):
            pen.circle(point, PEN * FINER / 2, fill="black")
    return sheet.resize((SIDE, SIDE), Image.Resampling.BOX)


def _packed(image: Image.Image) -> bytes:
    """Return a PNG whose rows tell their difference to the row above, as Chromium 156 writes them."""
    rows = np.asarray(image).reshape(SIDE, -1)
    up = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    filtered = np.insert(up, 0, 2, axis=1).tobytes()
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    body = zlib.compress(filtered, 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
