"""People's corrections, as `GET /api/v1/corrections` gives them: pictures with what they show."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, cast

import numpy as np

from shared.contract import PICTURE_BYTES, SIDE
from training.datasets import NOT_A_DIGIT, DatasetError, Examples


def read_corrections(path: Path) -> Examples:
    """Return each corrected picture with its digit, or as no digit.

    A drawing whose label has another number of digits than it has pictures was taken apart wrongly: which of its
    pictures shows what cannot be told, so it is passed over.

    Raises:
        DatasetError: when the file is missing, holds a line that the interface did not write, or nothing to learn.
    """
    try:
        lines = path.read_text().splitlines()
        pairs = [pair for line in lines for pair in _pairs(json.loads(line))]
        pictures = np.frombuffer(b"".join(ink for ink, _ in pairs), np.uint8).reshape(-1, SIDE, SIDE)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is not what GET /api/v1/corrections gives ({error})") from error
    if not pairs:
        raise DatasetError(f"{path} holds no correction to learn from")
    return Examples(pictures, np.array([label for _, label in pairs], np.uint8))


def _pairs(line: object) -> list[tuple[bytes, int]]:
    fields = cast("dict[str, Any]", line)
    pictures = [b64decode(picture, validate=True) for picture in fields["pictures"]]
    if any(len(picture) != PICTURE_BYTES for picture in pictures):
        raise ValueError(f"a picture has {PICTURE_BYTES} bytes")
    labels = [int(digit) for digit in fields["label"]] or [NOT_A_DIGIT] * len(pictures)
    return list(zip(pictures, labels, strict=True)) if len(labels) == len(pictures) else []
