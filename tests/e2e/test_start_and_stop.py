"""How a process starts and stops by itself, as Kubernetes or a terminal has it: signals, and options that are wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from redis import Redis

from tests.services.process import Process, wait_until
from tests.services.quill import PREDICTIONS, Quill, draw
from tests.services.redis import RedisServer
from worker.task import EXIT_RESTART

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


@pytest.mark.usefixtures("terminal", "worker")  # in this order
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


IMPATIENT = """
import sys
from types import SimpleNamespace
from shared.settings import Settings
from shared.store import open_store
from worker.app import Worker
settings = Settings.from_env()
model = SimpleNamespace(classify=None, version="none", threshold=0.5)
sys.exit(Worker(settings, model, open_store(settings), name="impatient", stop_s=1).run(None))
"""


def test_a_worker_that_is_told_to_stop_does_not_wait_for_ever_for_a_redis_that_hangs(
    tmp_path: Path, own_redis: RedisServer
) -> None:
    environ = {"QUILL_REDIS_URL": own_redis.url(), "QUILL_STORE_URL": f"sqlite:///{tmp_path}/quill.db"}
    worker = Process("worker", [sys.executable, "-c", IMPATIENT], tmp_path / "worker.log", os.environ | environ)
    worker.wait_until(lambda: "brpop" in doings(own_redis.url()), "the worker waits for messages")
    own_redis.process.send(signal.SIGSTOP)
    worker.send(signal.SIGTERM)
    assert worker.wait(20) == EXIT_RESTART


def test_a_worker_tells_that_it_is_redis_which_does_not_answer(tmp_path: Path, own_redis: RedisServer) -> None:
    quill = Quill(tmp_path, own_redis.url(), runtime="onnx")
    worker = quill.start_worker()
    try:
        worker.wait_until(lambda: "brpop" in doings(own_redis.url()), "the worker waits for messages")
        own_redis.process.send(signal.SIGSTOP)
        worker.wait_until(lambda: "sweeping later, Redis is away: Timeout" in worker.log, "it tells what is away")
    finally:
        own_redis.process.send(signal.SIGCONT)
        quill.stop()


DEAF = """
import time
from shared.queue import redis_client
from shared.settings import Settings
from worker.watch import Watch
Watch(redis_client(Settings.from_env()), lambda: 0.0, dict, stalled_s=1).start("deaf", 20, None)
time.sleep(60)  # and no event loop turns
"""


def test_a_worker_that_takes_nothing_although_redis_answers_ends(tmp_path: Path, redis_url: str) -> None:
    environ = os.environ | {"QUILL_REDIS_URL": redis_url}
    worker = Process("worker", [sys.executable, "-c", DEAF], tmp_path / "worker.log", environ)
    assert worker.wait() == EXIT_RESTART
    assert "Celery has taken nothing for 1 s although Redis answers" in worker.log


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


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - the second is on a part of it
def test_a_second_web_server_does_not_share_the_port_of_the_first(quill: Quill, host: str) -> None:
    quill.start_web("--host", host)
    second = quill.start_web()
    assert second.wait() == 1
    assert last_line(second).endswith(" is taken: stop what listens there, or take another with --port")


def test_a_taken_port_for_metrics_stops_the_worker(quill: Quill) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = quill.start_worker("--metrics-port", str(port))
        assert worker.wait() == 1
    assert last_line(worker) == (
        f"Error: port {port} is taken: stop what listens there, or take another with --metrics-port"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["web", "--port", "99999"], "Error: Invalid value for '--port': 99999 is not in the range 1<=x<=65535."),
        (["web", "--processes", "0"], "Error: Invalid value for '--processes': 0 is not in the range x>=1."),
        (["web", "--host", "no host"], "Error: cannot listen on no host:8000: "),
        (["web", "--host", "192.0.2.1"], "Error: cannot listen on 192.0.2.1:8000: "),
        (["worker", "--metrics-port", "0"], "Error: Invalid value for '--metrics-port': 0 is not in the range "),
        (["worker", "--metrics-port", "9", "--metrics-host", "no host"], "Error: cannot listen on no host:9: "),
    ],
)
def test_an_option_that_cannot_be_is_told_in_one_line(options: list[str], told: str) -> None:
    run = subprocess.run([sys.executable, "-m", *options], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in {1, 2}
    assert "Traceback" not in run.stderr
    assert run.stderr.splitlines()[-1].startswith(told)


def test_the_web_server_listens_on_a_name(quill: Quill) -> None:
    quill.address = quill.address.replace("127.0.0.1", "localhost")
    quill.start_web("--host", "localhost")


@pytest.mark.parametrize("processes", [1, 2])
def test_no_web_process_keeps_the_port_when_the_first_is_killed(quill: Quill, processes: int) -> None:
    web = quill.start_web("--processes", str(processes))
    others = psutil.Process(web.pid).children(recursive=True)
    web.send(signal.SIGKILL)
    _, alive = psutil.wait_procs(others, timeout=30)
    assert alive == []
    quill.start_web()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_web_server_that_is_told_to_stop_lets_those_go_who_wait(quill: Quill, processes: int) -> None:
    web = quill.start_web("--processes", str(processes))
    drawings = quill.address + PREDICTIONS
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(draw, quill.address, Prefer="wait=30")
        (one,) = wait_until(lambda: requests.get(drawings, timeout=60).json()["predictions"], "the drawing is accepted")
        with requests.get(f"{drawings}/{one['id']}/events", stream=True, timeout=60) as events:
            lines = events.iter_lines(chunk_size=1)
            assert next(lines) == b"event: prediction"
            web.send(signal.SIGTERM)
            assert waiting.result()["state"] == "queued"
            assert not any(line.startswith(b"event") for line in lines)  # it ends as it should, not in the middle
    assert web.wait() == 0
    assert "refused to gracefully stop" not in web.log


@pytest.mark.parametrize("processes", [1, 2])
def test_a_web_server_that_has_stopped_leaves_all_in_one_file(quill: Quill, tmp_path: Path, processes: int) -> None:
    web = quill.start_web("--processes", str(processes))
    draw(quill.address)
    web.send(signal.SIGTERM)
    assert web.wait() == 0
    assert [file.name for file in tmp_path.glob("quill.db*")] == ["quill.db"]


@pytest.mark.parametrize(("module", "library"), [("web", "_granian"), ("worker", "onnxruntime")])
def test_a_process_that_still_starts_ends_at_sigterm(tmp_path: Path, module: str, library: str) -> None:
    """As the first process of a container, it would else ignore what it has no handler for."""
    environ = os.environ | {"QUILL_RUNTIME": "onnx", "QUILL_STORE_URL": f"sqlite:///{tmp_path}/quill.db"}
    starting = Process(module, [sys.executable, "-m", module], tmp_path / "log", environ)
    starting.wait_until(lambda: library in maps(starting.pid), "it loads its libraries")
    starting.send(signal.SIGTERM)
    assert starting.wait() == 0


def maps(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()
