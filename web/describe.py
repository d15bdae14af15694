"""Descriptions of the calls, kept beside the routes; web.openapi makes the OpenAPI document of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

Shape = type[BaseModel]
View = TypeVar("View", bound=Callable[..., Any])
SENT = {
    "Idempotency-Key": "a UUID of your own; for a day the same key, whoever sends it, is the same drawing",
    "If-None-Match": "the ETag of what you have: 304 while it is the same",
    "Prefer": "`wait=SECONDS`: answer when the prediction is finished, at the latest after so many seconds, 30 at most",
}
ANSWERED = {
    "Cache-Control": "how long the answer may be kept",
    "ETag": "changes when the prediction changes",
    "Link": 'the next page, rel="next"; absent on the last',
    "Location": "where the prediction is told",
    "Preference-Applied": "the wait that was granted",
    "Retry-After": "seconds after which trying again makes sense",
    "Server-Timing": "milliseconds in each stage, once finished",
    "Vary": "Prefer",
    "WWW-Authenticate": "Bearer",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer of a call: a JSON shape, another media type (JSON: an object of any shape), or no body.

    Attributes:
        headers: of ANSWERED, always there; `sometimes` are there when their description says.
    """

    status: int
    shape: Shape | None = None
    media: str | None = None
    headers: Sequence[str] = ()
    sometimes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What a route takes and answers, beyond what its address and docstring tell.

    Attributes:
        takes: media type -> shape of the body, None for bytes.
        query: the shape of the query.
        headers: of SENT.
        problems: slugs of KINDS, besides those of every call.
    """

    answers: Sequence[Answer]
    takes: Mapping[str, Shape | None] = field(default_factory=dict[str, Shape | None])
    query: Shape | None = None
    headers: Sequence[str] = ()
    problems: Sequence[str] = ()


CALLS: dict[Callable[..., Any], Call] = {}


def describe(call: Call) -> Callable[[View], View]:
    """Return the decorator that keeps the description of a route; Flask gets the function itself, at no cost."""

    def keep(view: View) -> View:
        CALLS[view] = call
        return view

    return keep
