"""Metrics of real processes: several web processes add up, and a worker shows its own."""

import json
from collections.abc import Callable
from urllib.request import urlopen

import pytest
from redis import Redis

from shared.contract import PICTURE_BYTES, Job, new_id, now_ms
from shared.queue import EPOCH_KEY, QUEUE, make_celery, redis_client, submitter
from shared.settings import Settings
from shared.store import open_store
from tests.services.metrics import samples
from tests.services.process import free_port, wait_until
from tests.services.quill import Quill, draw

pytestmark = pytest.mark.e2e


def read(address: str) -> dict[str, float]:
    with urlopen(address, timeout=5) as response:
        return samples(response.read().decode())


def test_several_web_processes_add_up(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill()
    quill.start_web("--processes", "2")
    for _ in range(20):
        draw(quill.address)
    assert {read(f"{quill.address}/metrics")["quill_accepted_total"] for _ in range(10)} == {20}


def test_a_worker_counts_what_it_does(new_quill: Callable[..., Quill], redis_url: str) -> None:
    quill = new_quill()
    settings = Settings.model_validate(quill.settings)
    jobs = [Job(new_id(), (bytes(range(28)) * 28,) * 2, now_ms()) for _ in range(3)]
    assert len(jobs[0].pictures[0]) == PICTURE_BYTES
    open_store(settings).add(jobs)
    submitter(make_celery(settings))(jobs)
    redis = redis_client(settings)
    redis.set(EPOCH_KEY, str(redis.info("server")["run_id"]))  # else the sweeper would submit them again
    redeliver(redis)
    port = free_port()
    address = f"http://127.0.0.1:{port}/metrics"
    quill.start_worker("--metrics-port", str(port))
    quill.start_web()
    quill.wait_until_ready()

    def answered() -> bool:
        done = [count for name, count in read(address).items() if name.startswith("quill_predictions_total")]
        return sum(done) == len(jobs)

    wait_until(answered, "all are answered", seconds=60)
    expected = {
        "quill_batch_pictures_sum": 2 * len(jobs),
        "quill_confidence_count": len(jobs),
        "quill_redeliveries_total": len(jobs),
        "quill_duplicates_total": 0,
        'quill_stage_seconds_count{stage="classified"}': len(jobs),
        'quill_stage_seconds_count{stage="stored"}': 1,
        "quill_held_jobs": 0,
    }
    told = read(address)
    assert {name: told[name] for name in expected} == expected
    submitter(make_celery(settings))(jobs)
    wait_until(lambda: read(address)["quill_duplicates_total"] == len(jobs), "they are answered once more")


def redeliver(redis: Redis) -> None:
    """Mark the message in the queue as kombu does when it gives back what a dead worker held."""
    message = json.loads(str(redis.lpop(QUEUE)))
    message["properties"]["delivery_info"]["redelivered"] = True
    redis.rpush(QUEUE, json.dumps(message))
