"""How the service does at this moment, for the operator's page and for programs."""

from contextlib import suppress

from flask import Blueprint, Response
from pydantic import ValidationError
from redis import RedisError

from shared.queue import live_workers
from web.describe import Answer, Call, describe
from web.parts import parts
from web.views import StatusView, WorkerView

routes = Blueprint("status", __name__)


@routes.get("/api/v1/status")
@describe(Call([Answer(200, StatusView, headers=["Cache-Control"])]))
def status() -> Response:
    """Tell the backlog, how fast it goes, and which workers are alive."""
    seen = parts().backlog.now()
    workers, queue = _workers()
    view = StatusView(
        backlog=seen.count,
        oldest_s=seen.oldest_s(),
        rate_per_s=round(seen.rate_per_s, 2),
        workers=workers,
        store=seen.store,
        queue=queue,
    )
    return Response(view.model_dump_json(), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _workers() -> tuple[list[WorkerView], str]:
    try:
        told = live_workers(parts().redis)
    except RedisError as error:
        return [], str(error)
    workers: list[WorkerView] = []
    for about in told:
        with suppress(ValidationError):  # a worker of another version, or a stranger
            workers.append(WorkerView.model_validate(about))
    return workers, "ok"
