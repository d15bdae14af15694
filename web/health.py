"""Whether the process lives, and whether it can serve: store, queue and a live worker."""

from collections.abc import Callable

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
    versions: list[str] = []
    store, queue = _checked(parts().store.ping), _checked(lambda: versions.extend(model_versions(parts().redis)))
    worker = "ok" if versions else "no worker is alive: start one with `python -m worker`"
    view = ReadyView(store=store, queue=queue, worker=worker, model_versions=sorted(set(versions)))
    return _told(200 if {store, queue, worker} == {"ok"} else 503, view)


def _checked(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (StoreUnavailableError, RedisError) as error:
        return str(error)
    return "ok"


def _told(status: int, view: AliveView | ReadyView) -> Response:
    return Response(view.model_dump_json(), status, mimetype="application/json", headers={"Cache-Control": "no-store"})
