"""How a process starts and stops by itself, as Kubernetes or a terminal has it: signals, and options that are wrong."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.services.process import Process
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e


@pytest.fixture
def quill(new_quill: Callable[..., Quill]) -> Quill:
    return new_quill(runtime="onnx")


@pytest.fixture
def worker(quill: Quill, redis_url: str) -> Process:
    """Give a worker that waits for messages."""
    worker = quill.start_worker()
    worker.wait_until(lambda: "brpop" in doings(redis_url), "the worker waits for messages")
    return worker


def doings(redis_url: str) -> set[str]:
    """Return what the clients of the database do."""
    with Redis.from_url(redis_url) as redis:
        return {client["cmd"] for client in redis.client_list() if redis_url.endswith(f"/{client['db']}")}


def test_a_hang_up_stops_a_worker_in_peace(worker: Process) -> None:
    worker.send(signal.SIGHUP)
    assert worker.wait() == 0
    assert "Traceback" not in worker.log


@pytest.fixture
def nohup() -> Iterator[None]:
    """Let the processes that the test starts ignore a hang-up, as nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("nohup", "worker")  # in this order
def test_a_hang_up_does_nothing_to_a_worker_under_nohup(worker: Process) -> None:
    worker.send(signal.SIGHUP)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert worker.log.count("worker: Warm shutdown") == 1


def test_a_worker_with_no_place_for_its_beat_does_not_start(quill: Quill, tmp_path: Path) -> None:
    worker = quill.start_worker("--beat", str(tmp_path / "nowhere" / "beat"))
    assert worker.wait() == 2
    assert last_line(worker) == f"Error: Invalid value for '--beat': {tmp_path}/nowhere is no folder to write into"


def last_line(process: Process) -> str:
    return process.log.splitlines()[-1]


def test_a_beat_that_fails_for_a_while_does_not_end_the_watch(quill: Quill, tmp_path: Path) -> None:
    beat = tmp_path / "beats" / "beat"
    beat.parent.mkdir()
    worker = quill.start_worker("--beat", str(beat))
    worker.wait_until(beat.exists, "the worker beats")
    moved = beat.parent.rename(tmp_path / "moved")
    worker.wait_until(lambda: "no beat" in worker.log, "the worker tells that it cannot")
    moved.rename(beat.parent)
    beat.unlink()
    worker.wait_until(beat.exists, "the worker beats again")
