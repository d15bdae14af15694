"""Whether the process lives, and whether it can serve: store, queue and a live worker."""

import json
from collections.abc import Callable, Mapping

from flask import Blueprint, Response
from redis import RedisError

from shared.queue import live_workers
from shared.store import StoreUnavailableError
from web.parts import parts

routes = Blueprint("health", __name__)


@routes.get("/healthz")
def alive() -> Response:
    """Answer: the process lives."""
    return _told(200, {"status": "alive"})


@routes.get("/readyz")
def ready() -> Response:
    """Tell of each part that serving needs whether it is there; 503 unless all are."""
    checks = {"store": _checked(parts().store.ping), "queue": _checked(_queue), "worker": _checked(_worker)}
    return _told(200 if set(checks.values()) == {"ok"} else 503, checks)


def _checked(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (StoreUnavailableError, RedisError, LookupError) as error:
        return str(error)
    return "ok"


def _queue() -> None:
    parts().redis.ping()


def _worker() -> None:
    if not live_workers(parts().redis):
        raise LookupError("no worker is alive: start one with `python -m worker`")


def _told(status: int, body: Mapping[str, str]) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json", headers={"Cache-Control": "no-store"})
