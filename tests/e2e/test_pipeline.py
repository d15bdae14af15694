"""The processes together, as the README promises them: Cassandra's rows, a second worker, a failover of Redis."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from shared.contract import now_ms
from shared.settings import Settings
from shared.store import open_store
from shared.store.sqlite import DAY_MS
from tests.services.cassandra import TIMEOUT_S, connected
from tests.services.process import wait_until
from tests.services.quill import Quill, answered, draw
from tests.services.redis import RedisServer
from tests.services.store import a_job

pytestmark = pytest.mark.e2e


@pytest.mark.integration
def test_cassandra_shows_each_prediction_where_the_seed_kept_it(
    new_quill: Callable[..., Quill], cassandra_url: str
) -> None:
    quill = new_quill(store_url=cassandra_url, cassandra_timeout_s=TIMEOUT_S)
    quill.start_worker()
    quill.start_web()
    quill.wait_until_ready()
    prediction = answered(quill.address, draw(quill.address)["id"])

    address, keyspace = cassandra_url.removeprefix("cassandra://").split("/")
    with connected(address, keyspace) as session:
        (row,) = session.execute("select id, digits, upload_time from mnist1")
    assert (str(row.id), row.digits) == (prediction["id"], "7")
    assert row.upload_time.isoformat(timespec="milliseconds") == prediction["accepted_at"][:23]


def test_a_second_worker_shares_the_work(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill()
    quill.start_web()
    quill.start_worker()
    quill.start_worker()
    names: set[str] = set()

    def both() -> bool:
        names.add(answered(quill.address, draw(quill.address)["id"])["worker"])
        return len(names) == 2

    wait_until(both, "both workers have answered", 120)


def test_a_redis_that_becomes_a_replica_for_a_while_ends_no_worker(tmp_path: Path, own_redis: RedisServer) -> None:
    """As at a failover: Celery takes Redis's "I am a replica" for its own fault, and ends, unless it is told not to."""
    quill = Quill(tmp_path, own_redis.url(), runtime="onnx")
    with ExitStack() as stack, Redis(port=own_redis.port) as redis:
        stack.callback(quill.stop)
        worker = quill.start_worker()
        quill.start_web()
        quill.wait_until_ready()
        redis.replicaof("127.0.0.1", 1)
        worker.wait_until(lambda: "read only replica" in worker.log, "the worker has met the replica")
        waiting = draw(quill.address)["id"]
        redis.replicaof("no", "one")
        assert answered(quill.address, waiting)["digits"] == "7"
        assert worker.exit_code is None


def test_a_worker_deletes_what_is_past_the_retention(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill(runtime="onnx", retention_days=1)
    store = open_store(Settings.model_validate(quill.settings))
    old = a_job(now_ms() - 2 * DAY_MS)
    store.add([old])
    worker = quill.start_worker()
    worker.wait_until(lambda: not store.get([old.id]), "it is deleted")
    store.close()


def test_a_worker_logs_one_line_a_job(quill: Quill) -> None:
    job = answered(quill.address, draw(quill.address)["id"])["id"]
    worker = next(process for process in quill.processes if process.name.startswith("worker"))
    lines = wait_until(lambda: [line for line in worker.log.splitlines() if job in line], "the job is logged")
    (told,) = map(json.loads, lines)
    assert (told["level"], told["event"], told["state"]) == ("info", "answered", "done")
