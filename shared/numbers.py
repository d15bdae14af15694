"""Takes a drawing's ink apart into its digits, left to right: at gaps, and where two digits lean over or touch."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.uint8]  # of a drawing, (height, width), 0 paper to 255 ink
Mask = NDArray[np.bool_]  # (height, width), where there is ink
Line = NDArray[np.bool_]  # which rows, or which columns, have ink

LOW = 0.35  # of the tallest piece's height: what is lower is a part of its neighbour, as the loose bar of a five
DIRT = 1.4  # pen widths: what is smaller both ways, and stands apart, is a dot of dirt
# From which width by height of a piece on a cut between two digits may cross how many pen widths of ink. This and
# HOLLOW were chosen on the writers of training and validation: of 6,745 lone digits 6 are cut, 23 without HOLLOW.
CUT = ((0.8, 0.5), (0.9, 0.6), (1.1, 1.0), (1.2, 1.2))
HOLLOW = 0.5  # of a piece's width: what lies so far apart on both sides of a cut is a round digit, open at an end
NARROW = 8  # pixels: what is narrower is not cut
PART = 0.6  # of a piece's height that both sides of a cut reach at least
EDGE = 0.15  # of a piece's width, on each side, where no cut is looked for
GRAIN = 192  # rows that a cut is looked for in; more would only cost time
RUNS = 256  # of ink, in columns or rows: what has more is no number, and to take it apart would take seconds
PARTS = 16  # more than any job takes: what has more stays whole, since each is as large as the drawing
LOOK = 8  # rows between two looks whether the search is lost; a look costs as much as a row


class Span(NamedTuple):
    """Columns, or rows, from start up to stop."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.stop - self.start


def digits_apart(ink: Ink, threshold: int) -> list[Ink]:
    """Return the ink of each digit, each on paper as large as the drawing; what falls into too much stays whole.

    Args:
        ink: the drawing's ink.
        threshold: ink up to it is paper; something has to be above it.
    """
    inked = ink > threshold
    if _is_compact(inked) or _is_scattered(inked):
        return [ink]
    pen = _pen(inked)
    clean = _without_dirt(inked, DIRT * pen)
    masks = list(islice((part for piece in _pieces(clean) for part in _cut(piece, pen)), PARTS + 1))
    if len(masks) > PARTS:
        return [ink]
    if len(masks) == 1:
        return [np.where(inked & ~masks[0], 0, ink).astype(np.uint8)]  # its faint edges are its own
    return [np.where(mask, ink, 0).astype(np.uint8) for mask in masks]


def _is_compact(inked: Mask) -> bool:
    """Tell whether the ink is surely one digit, which most are: a sixth of the cost of finding no cut in it."""
    columns, rows = _spans(np.any(inked, axis=0)), _spans(np.any(inked, axis=1))
    return len(columns) == len(rows) == 1 and not _allowed(columns[0].size, rows[0].size)


def _is_scattered(inked: Mask) -> bool:
    lines = np.any(inked, axis=0), np.any(inked, axis=1)
    return any(np.count_nonzero(line[1:] > line[:-1]) > RUNS for line in lines)


def _spans(line: Line) -> list[Span]:
    """Return where the line is true, run by run."""
    between = np.zeros(len(line) + 2, np.bool_)
    between[1:-1] = line
    edges = np.flatnonzero(between[1:] != between[:-1]).tolist()
    return [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _height(inked: Mask) -> int:
    rows = np.flatnonzero(np.any(inked, axis=1))
    return int(rows[-1] - rows[0]) + 1 if len(rows) else 0


def _only(inked: Mask, columns: list[Span]) -> Mask:
    kept = np.zeros_like(inked)
    for span in columns:
        kept[:, span.start : span.stop] = inked[:, span.start : span.stop]
    return kept


def _pen(inked: Mask) -> float:
    """Return the pen's width: a line's ink by half the length of its outline."""
    outline = np.count_nonzero(inked[1:] != inked[:-1]) + np.count_nonzero(inked[:, 1:] != inked[:, :-1])
    return 8 / np.pi * np.count_nonzero(inked) / max(1, outline)  # 4 / pi, as an outline in pixels has steps


def _without_dirt(inked: Mask, size: float) -> Mask:
    """Return the ink without what stands apart and is no larger than size, unless nothing else is there."""
    clean = inked.copy()
    for turned in (clean, clean.T):  # beside the rest, then above or below it
        spans = _spans(np.any(turned, axis=0))
        for span in spans if len(spans) > 1 else []:
            if span.size <= size and _height(turned[:, span.start : span.stop]) <= size:
                turned[:, span.start : span.stop] = False
    return clean if clean.any() else inked


def _pieces(inked: Mask) -> Iterator[Mask]:
    """Yield what gaps divide, left to right; what is low belongs to its nearest neighbour."""
    spans = _spans(np.any(inked, axis=0))
    heights = [_height(inked[:, span.start : span.stop]) for span in spans]
    low = LOW * max(heights)
    tall = [span for span, height in zip(spans, heights, strict=True) if height >= low]
    near: dict[Span, list[Span]] = {span: [span] for span in tall}
    for span in set(spans) - set(tall):
        nearest = min(tall, key=lambda other: max(other.start - span.stop, span.start - other.stop))
        near[nearest].append(span)
    for columns in near.values():
        yield _only(inked, columns)


def _cut(piece: Mask, pen: float) -> Iterator[Mask]:
    """Yield the piece, or its digits when it is wide and a cut between them crosses few pens' widths of ink."""
    columns = np.flatnonzero(np.any(piece, axis=0))
    start, width, height = int(columns[0]), int(columns[-1] - columns[0]) + 1, _height(piece)
    allowed = _allowed(width, height)
    path = _seam(piece[:, start : start + width], allowed * pen) if allowed else None
    if path is None:
        yield piece
        return
    before: Mask = np.less(np.arange(len(piece.T)), start + path[:, None])
    left, right = np.logical_and(piece, before), np.logical_and(piece, ~before)
    crosses = piece[np.arange(len(piece)), start + path].any()
    if min(_height(left), _height(right)) < PART * height or (crosses and _between(left, right) > HOLLOW * width):
        yield piece
        return
    yield from _cut(left, pen)
    yield from _cut(right, pen)


def _between(left: Mask, right: Mask) -> float:
    """Return how many columns lie between the two, the median over the rows where both have ink."""
    rows = np.any(left, axis=1) & np.any(right, axis=1)
    ends = left.shape[1] - left[rows, ::-1].argmax(axis=1)
    return float(np.median(right[rows].argmax(axis=1) - ends)) if rows.any() else 0.0


def _allowed(width: int, height: int) -> float:
    """Return how many pen widths of ink a cut through a piece may cross, 0 where none is looked for."""
    return max((crossing for wide, crossing in CUT if width >= max(NARROW, wide * height)), default=0.0)


def _seam(piece: Mask, most: float) -> NDArray[np.intp] | None:
    """Return the way from top to bottom through the middle that crosses least ink, as its column in each row.

    None where even that way crosses more than most pixels: for a lone digit that is known after a few rows.
    """
    grain = -(-len(piece) // GRAIN)
    ink = _coarse(piece, grain).astype(np.float32)
    edge = 1 + int(ink.shape[1] * EDGE)
    ink[:, :edge] = ink[:, -edge:] = np.inf
    above, here = ink[:-1], ink[1:, 1:-1]
    ways = zip(above[:, :-2], above[:, 1:-1], above[:, 2:], here, strict=True)
    for row, (left, middle, right, ahead) in enumerate(ways):  # each place's ink becomes that of the best way to it
        np.add(ahead, np.minimum(np.minimum(left, middle), right), out=ahead)
        if row % LOOK == 0 and ahead.min() * grain > most:
            return None
    if ink[-1].min() * grain > most:
        return None
    path = np.empty(len(ink), np.intp)
    path[-1] = ink[-1].argmin()
    for row in range(len(ink) - 2, -1, -1):
        path[row] = path[row + 1] - 1 + ink[row, path[row + 1] - 1 : path[row + 1] + 2].argmin()
    return np.repeat(path * grain, grain)[: len(piece)]


def _coarse(piece: Mask, grain: int) -> Mask:
    """Return the piece in squares of grain pixels a side: whether there is ink in each."""
    if grain == 1:
        return piece
    high, wide = -(-piece.shape[0] // grain), -(-piece.shape[1] // grain)
    padded = np.zeros((high * grain, wide * grain), np.bool_)
    padded[: piece.shape[0], : piece.shape[1]] = piece
    return np.any(padded.reshape(high, grain, wide, grain), axis=(1, 3))
