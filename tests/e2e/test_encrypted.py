"""TLS to Redis and to Cassandra, as docs/operations.md tells to set it, and nothing said to whom nobody vouches for."""

import os
import shlex
import sys
from collections.abc import Callable, Generator
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from kombu.exceptions import OperationalError
from pydantic import SecretStr
from redis.exceptions import ConnectionError as NoConnectionError

from shared.queue import make_celery, redis_client
from shared.settings import Settings
from tests.services.authority import Authority
from tests.services.cassandra import TIMEOUT_S, CassandraServer, connected
from tests.services.process import Process, free_port
from tests.services.quill import Quill, draw
from tests.services.redis import RedisServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def redis_url(tmp_path: Path) -> Generator[str]:
    """Give the address of a Redis that takes nobody who does not speak TLS."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder, authority=Authority(folder))
    yield server.url()
    server.process.stop()


def test_a_drawing_is_answered_over_encrypted_lines(
    new_quill: Callable[..., Quill], cassandra_server: CassandraServer
) -> None:
    quill = new_quill(
        store_url=f"cassandra://{cassandra_server.address}/quill_encrypted",
        cassandra_ca_file=cassandra_server.authority.certificate,
        cassandra_timeout_s=TIMEOUT_S,
        runtime="onnx",
    )
    quill.start_worker()
    quill.start_web()
    quill.wait_until_ready(seconds=120)
    answer = draw(quill.address, Prefer="wait=30")
    assert (answer["state"], answer["digits"]) == ("done", "7")
    assert in_the_clear(cassandra_server.address) == 1  # who asks


def in_the_clear(address: str) -> int:
    """Return how many of those that have asked Cassandra about the keyspace speak no TLS."""
    with connected(address, "quill_encrypted") as session:
        clients = list(session.execute("select * from system_views.clients"))
    return sum(client.keyspace_name == "quill_encrypted" and not client.ssl_enabled for client in clients)


@pytest.mark.parametrize("trusted", ["nobody", "a stranger"])
def test_a_redis_that_nobody_vouches_for_is_told_nothing(redis_url: str, tmp_path: Path, trusted: str) -> None:
    options = "" if trusted == "nobody" else f"?ssl_ca_certs={Authority(tmp_path).certificate}"
    settings = Settings(redis_url=SecretStr(redis_url.partition("?")[0] + options))
    with pytest.raises(NoConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        redis_client(settings).ping()
    with (
        make_celery(settings).connection_for_write() as queue,
        pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        queue.ensure_connection(max_retries=1)


@contextmanager
def flower(redis_url: str, folder: Path) -> Generator[tuple[Process, str]]:
    """Start Flower as `make run` does; give it and its address once it has spoken with Redis."""
    programs = RawConfigParser()
    programs.read("compose/local/supervisord.conf")
    port = free_port()
    command = programs["program:flower"]["command"] % {"ENV_PYTHON": sys.executable, "ENV_FLOWER_PORT": port}
    environ = os.environ | {"CELERY_BROKER_URL": redis_url}
    process = Process("flower", shlex.split(command), folder / "flower.log", environ)
    told = ("Connected to", "CERTIFICATE_VERIFY_FAILED")
    try:
        process.wait_until(lambda: any(words in process.log for words in told), "Flower has spoken with Redis")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # asked to end, it waits for its threads, and now and then one of them for ever
        process.print_log()


def test_flower_believes_no_redis_that_nobody_vouches_for(redis_url: str, tmp_path: Path) -> None:
    with flower(redis_url.partition("?")[0], tmp_path) as (process, _):
        assert "Connected to" not in process.log


def test_flower_shows_the_queue_of_a_redis_that_it_trusts(redis_url: str, tmp_path: Path) -> None:
    with flower(redis_url, tmp_path) as (_, address):
        assert '<tr id="quill">' in requests.get(f"{address}/broker", timeout=30).text
