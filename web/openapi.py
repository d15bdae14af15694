"""Makes the OpenAPI 3.1 document of what is described beside the routes, from the types that the routes use."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from inspect import getdoc
from typing import Any, cast

from flask import Flask
from openapi_pydantic import OpenAPI
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from werkzeug.routing import Rule

from shared.contract import ID_PATTERN
from web.describe import ANSWERED, CALLS, SENT, Answer, Call, Shape
from web.problems import KINDS, MEDIA_TYPE
from web.views import ProblemView

EVERY_CALL = ("bad-request", "internal-error")  # problems
PROMISED = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}  # headers of problems by status
ABOUT = """Quill recognises drawn digits: a model behind a queue.

    curl --data-binary @drawing.png -H 'Content-Type: image/png' -H 'Prefer: wait=5' \\
      http://127.0.0.1:8000/api/v1/predictions

answers 200 with the digit, or 202 with an `id`, and a `Location` where the answer will be. Once a drawing has its 202,
it gets exactly one final answer. Every error is a problem (RFC 9457): its `type` is the address of a page that tells
the cure."""

ID = {"type": "string", "format": "uuid", "pattern": f"^{ID_PATTERN}$"}
LIMITS = {"Idempotency-Key": {"pattern": "^[!-~]([ -~]{0,253}[!-~])?$"}}  # HTTP itself drops spaces at the ends
KEY = {"type": "http", "scheme": "bearer", "description": "the service's QUILL_API_KEY; without one set, none is asked"}

Node = dict[str, Any]  # a part of the document


def document(app: Flask) -> OpenAPI:
    """Return the document of the application's described routes; the library checks that it is one."""
    paths: defaultdict[str, Node] = defaultdict(dict)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if view in CALLS:
            path = re.sub(r"<(?:[^<>]+:)?(\w+)>", r"{\1}", str(rule))
            paths[path][_method(rule)] = _operation(rule, view, CALLS[view])
    about = {"title": "Quill", "version": "1", "description": ABOUT}
    told = {"info": about, "paths": paths, "components": {"securitySchemes": {"key": KEY}}}
    return construct_open_api_with_schema_class(OpenAPI.model_validate(told))


def _method(rule: Rule) -> str:
    (method,) = (rule.methods or set[str]()) - {"HEAD", "OPTIONS"}
    return method.lower()


def _operation(rule: Rule, view: Callable[..., Any], call: Call) -> Node:
    summary, _, description = (getdoc(view) or "").partition("\n\n")
    told: Node = {"operationId": view.__name__, "tags": [rule.endpoint.partition(".")[0]], "summary": summary}
    if description:
        told["description"] = description
    if "key-needed" in call.problems:
        told["security"] = [{}, {"key": []}]
    if call.takes:
        told["requestBody"] = {
            "required": True,
            "content": {media: _media(media, shape) for media, shape in call.takes.items()},
        }
    return told | {"parameters": list(_parameters(rule, call)), "responses": _responses(call)}


def _parameters(rule: Rule, call: Call) -> Iterator[Node]:
    for name in sorted(cast("set[str]", rule.arguments)):
        yield {"in": "path", "name": name, "required": True, "schema": ID}
    for name, schema in call.query.model_json_schema()["properties"].items() if call.query else ():
        yield {"in": "query", "name": name, "description": schema.pop("description"), "schema": schema}
    for name in call.headers:
        yield {
            "in": "header",
            "name": name,
            "description": SENT[name],
            "schema": {"type": "string"} | LIMITS.get(name, {}),
        }


def _responses(call: Call) -> Node:
    slugs: defaultdict[int, list[str]] = defaultdict(list)
    for slug in dict.fromkeys((*call.problems, *EVERY_CALL)):
        slugs[KINDS[slug].status].append(slug)
    bad = {str(status): _bad(status, slugs[status]) for status in sorted(slugs)}
    return {str(answer.status): _good(answer) for answer in call.answers} | bad


def _good(answer: Answer) -> Node:
    told: Node = {"description": (answer.shape.__doc__ if answer.shape else answer.media) or "No body."}
    told["headers"] = {name: _header(name, name in answer.headers) for name in (*answer.headers, *answer.sometimes)}
    if media := answer.media or (answer.shape and "application/json"):
        told["content"] = {media: _media(media, answer.shape)}
    return told


def _bad(status: int, slugs: Sequence[str]) -> Node:
    return {
        "description": "\n".join(f"- [{slug}](problems/{slug}): {KINDS[slug].title}" for slug in slugs),
        "headers": {name: _header(name, required=True) for name in PROMISED.get(status, ())},
        "content": {MEDIA_TYPE: _media(MEDIA_TYPE, ProblemView)},
    }


def _header(name: str, required: bool) -> Node:
    return {"description": ANSWERED[name], "required": required, "schema": {"type": "string"}}


def _media(media: str, shape: Shape | None) -> Node:
    if shape:
        return {"schema": PydanticSchema(schema_class=shape)}
    if media == "application/json":
        return {"schema": {"type": "object"}}
    return {"schema": {"type": "string"} | ({"format": "binary"} if media.startswith("image/") else {})}
