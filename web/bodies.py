"""Reads a JSON body or a query into one of the shapes of web.views; every mistake is a problem that tells the cure."""

import json
import math
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from web.problems import Problem
from web.slow_bodies import limited

Shape = TypeVar("Shape", bound=BaseModel)

BODY_PROBLEMS = (
    "empty-body",
    "incomplete-body",
    "request-timeout",
    "malformed-json",
    "duplicate-key",
    "payload-too-large",
    "unsupported-media-type",
    "unsupported-encoding",
    "invalid-body",
    "missing-field",
    "unknown-field",
    "invalid-type",
)
MOST_SIGNS = 20_000  # commas and brackets: each value of some JSON needs one, and Python some 100 bytes for it
PLAIN = "identity"  # Content-Encoding of a body that is not compressed: a small one may hold any number of bytes
SLUGS = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
    "model_type": "invalid-body",
    "string_pattern_mismatch": "out-of-range",
    "cursor": "invalid-cursor",
    "too_long": "wrong-length",
    "too_short": "wrong-length",
}


def whole_body() -> bytes:
    """Return the present request's body.

    Raises:
        Problem: 400 when it ends before Content-Length says so, 408 when it comes too slowly, 413 when it is larger
            than the limit, 415 when it is compressed.
    """
    encoding = request.headers.get("Content-Encoding", PLAIN).lower()
    if encoding != PLAIN:
        raise Problem("unsupported-encoding", f"The body's Content-Encoding is {encoding}.")
    length = request.content_length
    with limited(request.environ, length or 0):
        body = request.get_data(cache=False)
    if length is not None and len(body) < length:
        raise Problem("incomplete-body", f"{len(body)} bytes came of {length}.")
    if length is None and len(body) >= (request.max_content_length or 0):  # where a body without length is cut off
        raise Problem(
            "payload-too-large", f"A body without Content-Length has less than {request.max_content_length} bytes."
        )
    return body


def shaped(shape: type[Shape], body: bytes) -> Shape:
    """Return the body as the shape.

    Raises:
        Problem: 400 when it is not JSON, 422 when it is not of the shape.
    """
    return valid(shape, _parsed(body))


def valid(shape: type[Shape], value: object) -> Shape:
    """Return the value of some JSON as the shape.

    Raises:
        Problem: 422 when it is not of the shape.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise _mistake(error) from error


def sent(shape: type[Shape]) -> Shape:
    """Return the present request's JSON body as the shape.

    Raises:
        Problem: 400, 415 or 422.
    """
    if request.mimetype != "application/json":
        raise Problem("unsupported-media-type", "Send JSON, with Content-Type: application/json.")
    return shaped(shape, whole_body())


def asked(shape: type[Shape]) -> Shape:
    """Return the present request's query, ?name=value, as the shape; names that the shape lacks are passed over.

    Raises:
        Problem: 422 when it is not of the shape.
    """
    return valid(shape, request.args.to_dict())


def _mistake(error: ValidationError) -> Problem:
    first = error.errors()[0]
    slug = SLUGS.get(first["type"], "invalid-type")
    if isinstance(first["input"], float) and math.isinf(first["input"]):
        slug = "out-of-range"
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    told = "Input should be an object" if first["type"] == "model_type" else first["msg"]  # else Python's words
    return Problem(slug, f"{where}: {told}.")


def _parsed(body: bytes) -> Any:
    if not body:
        raise Problem("empty-body", "The body is empty: send a JSON object.")
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_SIGNS:
        raise Problem("wrong-length", f"The body has more than {MOST_SIGNS} commas and brackets.")
    try:
        return json.loads(body.decode(), object_pairs_hook=_without_duplicates, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed-json", "The body is not JSON in UTF-8 without a byte order mark.") from error


def _number(text: str) -> float | int:
    """Return 6.0 as the integer that it is in JSON."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that occurs twice, since readers differ on what it means."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Problem("duplicate-key", "A key occurs twice in a JSON object.")
    return fields
