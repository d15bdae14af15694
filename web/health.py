"""Whether the process lives, and whether it can serve: store, queue and a live worker."""

from flask import Blueprint, Response
from redis import RedisError

from shared.queue import model_versions
from shared.store import StoreUnavailableError
from web.describe import Answer, Call, describe
from web.parts import parts
from web.views import AliveView, ReadyView

routes = Blueprint("health", __name__)


@routes.get("/healthz")
@describe(Call([Answer(200, AliveView, headers=["Cache-Control"])]))
def alive() -> Response:
    """Tell that the process lives."""
    return _told(200, AliveView())


@routes.get("/readyz")
@describe(Call([Answer(200, ReadyView, headers=["Cache-Control"]), Answer(503, ReadyView, headers=["Cache-Control"])]))
def ready() -> Response:
    """Tell of each part that serving needs whether it is there; 503 unless all are."""
    store, (queue, versions) = _store(), _queue()
    worker = _worker(queue, versions)
    view = ReadyView(store=store, queue=queue, worker=worker, model_versions=sorted(set(versions)))
    return _told(200 if {store, queue, worker} == {"ok"} else 503, view)


def _store() -> str:
    try:
        parts().store.ping()
    except StoreUnavailableError as error:
        return str(error)
    return "ok"


def _queue() -> tuple[str, list[str]]:
    """Return ok, or what is wrong with the queue; and the models of the live workers."""
    try:
        return "ok", model_versions(parts().redis)
    except RedisError as error:
        return str(error), []


def _worker(queue: str, versions: list[str]) -> str:
    if queue != "ok":
        return "unknown: only the queue tells whether one is alive"
    return "ok" if versions else "no worker is alive: start one with `python -m worker`"


def _told(status: int, view: AliveView | ReadyView) -> Response:
    return Response(view.model_dump_json(), status, mimetype="application/json", headers={"Cache-Control": "no-store"})
