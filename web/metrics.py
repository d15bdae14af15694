"""What the web processes count, and what they see of the pipeline, for Prometheus."""

import os
from collections import Counter
from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis import RedisError

from shared.queue import message_counts, model_versions
from web.counts import REGISTRY
from web.describe import Answer, Call, describe
from web.parts import Parts, parts

FILES = "PROMETHEUS_MULTIPROC_DIR"  # the library's name: where several processes keep their counts, to be added up

routes = Blueprint("metrics", __name__)


@routes.get("/metrics")
@describe(Call([Answer(200, media="text/plain", headers=["Cache-Control"])]))
def metrics() -> Response:
    """Give the metrics of all web processes and the state of the pipeline, for Prometheus."""
    registry = CollectorRegistry()
    registry.register(Present(parts()))
    counted = REGISTRY
    if FILES in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    text = generate_latest(counted) + generate_latest(registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class Present(Collector):
    """What is there at the moment of the scrape; what cannot be known then is absent."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        yield from self._backlog()
        try:
            yield from self._queue()
        except RedisError:
            return

    def _backlog(self) -> Iterator[GaugeMetricFamily]:
        seen = self._parts.backlog.now()
        if seen.count is None:
            return
        oldest_s = seen.oldest_s() or 0.0
        yield GaugeMetricFamily("quill_backlog_jobs", "Drawings accepted and not finished.", seen.count)
        yield GaugeMetricFamily("quill_backlog_oldest_seconds", "For how long the oldest of them has waited.", oldest_s)

    def _queue(self) -> Iterator[GaugeMetricFamily]:
        versions = Counter(model_versions(self._parts.redis))  # first, so that a queue that takes nothing is absent
        told = GaugeMetricFamily("quill_queue_messages", "Messages in Redis, by state.", labels=["state"])
        for state, count in message_counts(self._parts.redis).items():
            told.add_metric([state], count)
        yield told
        alive = GaugeMetricFamily("quill_workers", "Live workers, by the model they hold.", labels=["model_version"])
        for version, count in versions.items():
            alive.add_metric([version], count)
        yield alive
