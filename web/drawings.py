"""Reads a drawing out of a request: a PNG body, or a data URL in JSON or as text."""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence

from flask import Request

from shared.bad_image import BadImageError
from shared.contract import PICTURE_BYTES, Job, new_id, now_ms
from shared.reading import TOGETHER
from web.bodies import shaped, whole_body
from web.parts import parts
from web.problems import Problem
from web.views import Drawing

DATA_URL_PROBLEMS = ("invalid-data-url", "unsupported-image", "invalid-base64")
PICTURE_PROBLEMS = ("payload-too-large", "undecodable-image", "image-too-large", "animated-image", "blank-drawing")
DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL)


def jobs_from_pngs(pngs: Sequence[bytes]) -> list[Job | Problem]:
    """Return a fresh job for each drawing, or what is wrong with it.

    One go after another, each when the last one is read: what others send in between need not wait for all of them.
    """
    goes = (pngs[start : start + TOGETHER] for start in range(0, len(pngs), TOGETHER))
    return [
        Problem(pictures.slug, str(pictures))
        if isinstance(pictures, BadImageError)
        else Job(new_id(), pictures, now_ms())
        for go in goes
        for pictures in parts().read(go).result()
    ]


def job_from_picture(picture: str) -> Job:
    """Return a fresh job with a picture that the client has made, in base64.

    Raises:
        Problem: 422.
    """
    ink = _unpacked(picture, "The picture's base64 is damaged.")
    if len(ink) != PICTURE_BYTES:
        raise Problem("wrong-length", f"A picture has {PICTURE_BYTES} bytes, this one has {len(ink)}.")
    if ink.count(0) == PICTURE_BYTES:
        raise Problem("blank-drawing", "there is nothing in the picture: 0 is paper, 255 is ink")
    return Job(new_id(), (ink,), now_ms())


def png_from_request(request: Request) -> bytes:
    """Return the PNG of a request whose body is image/png, or JSON with a data URL.

    Raises:
        Problem: 400, 415 or 422.
    """
    body = whole_body()
    if not body:
        raise Problem("empty-body", "The body is empty: send a PNG.")
    if request.mimetype == "image/png":
        return body
    if request.mimetype == "application/json":
        return png_from_data_url(shaped(Drawing, body).image)
    raise Problem("unsupported-media-type", 'Send image/png, or application/json: {"image": "data:image/png..."}.')


def png_from_data_url(url: str) -> bytes:
    """Return the bytes of data:image/png;base64,...

    Raises:
        Problem: 415 or 422.
    """
    matched = DATA_URL.fullmatch(url)
    if matched is None or not matched["base64"]:
        raise Problem("invalid-data-url", "The image is not a data URL: data:image/png;base64,...")
    if matched["type"] != "image/png":
        raise Problem("unsupported-image", "The data URL holds no PNG: data:image/png;base64,...")
    return _unpacked(matched["data"], "The data URL's base64 is damaged.")


def _unpacked(base64: str, otherwise: str) -> bytes:
    try:
        return b64decode(base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("invalid-base64", otherwise) from error
