"""`make run` as a person has it: a checkout, one command, a drawing in and its digit out, Ctrl-C."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from redis import Redis

from compose.local.checks import check_ports
from shared.listening import PortError
from shared.queue import WORKER_KEY
from tests.services.process import STOP_S, Process, free_port, wait_until
from tests.services.quill import answered, draw

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
NOT_CLONED = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "var")
START_S = 180  # loading TensorFlow on a busy machine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of the checkout, as git would clone it, with this one's .venv; its folder's name has a space."""
    folder = tmp_path / "my quill"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_CLONED))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


class Pipeline:
    """A `make run` in a checkout, on free ports.

    Args:
        starter: a command that starts the one that follows it.
    """

    def __init__(self, checkout: Path, *starter: str) -> None:
        self.checkout = checkout
        self.ports = {"PORT": free_port(), "FLOWER_PORT": free_port(), "REDIS_PORT": free_port()}
        self.page = f"http://127.0.0.1:{self.ports['PORT']}"
        environ = os.environ | {"http_proxy": "http://127.0.0.1:1"}  # nobody is to be asked there for what runs here
        self.make = Process("make", [*starter, *command(checkout, **self.ports)], checkout / "make.log", environ)
        self.make.wait_until(lambda: self.processes("-m", "worker"), "a worker runs")

    def wait_until_ready(self) -> None:
        """Wait until the page's address is told."""
        self.make.wait_until(lambda: "Draw at" in self.make.log, "the page's address is told", START_S)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Return the processes that live in the checkout, those whose command line holds the words."""
        return [process for process in psutil.process_iter() if self._is_ours(process, words)]

    def _is_ours(self, process: psutil.Process, words: tuple[str, ...]) -> bool:
        try:
            return process.cwd().startswith(str(self.checkout)) and set(words) <= set(process.cmdline())
        except psutil.Error:  # gone meanwhile, or somebody else's
            return False


def command(checkout: Path, **ports: int) -> list[str]:
    return ["make", "--directory", str(checkout), "run", *(f"{name}={port}" for name, port in ports.items())]


@pytest.fixture
def pipeline(terminal: None, checkout: Path) -> Generator[Pipeline]:
    running = Pipeline(checkout)
    yield running
    running.make.stop()
    for process in running.processes():
        process.kill()


def flower(pipeline: Pipeline) -> str:
    return requests.get(f"http://127.0.0.1:{pipeline.ports['FLOWER_PORT']}/workers?json=1", timeout=30).text


def test_a_drawing_is_answered_a_killed_worker_comes_back_and_ctrl_c_leaves_nothing(pipeline: Pipeline) -> None:
    pipeline.wait_until_ready()
    assert answered(pipeline.page, draw(pipeline.page)["id"])["digits"] == "7"
    wait_until(lambda: "task-succeeded" in flower(pipeline), "Flower shows the task")

    (worker,) = pipeline.processes("-m", "worker")
    worker.kill()
    wait_until(lambda: pipeline.processes("-m", "worker"), "a new worker runs")
    assert answered(pipeline.page, draw(pipeline.page)["id"])["digits"] == "7"

    os.killpg(pipeline.make.pid, signal.SIGINT)  # as a terminal does
    pipeline.make.wait()
    assert pipeline.processes() == []
    for port in pipeline.ports.values():
        assert not listens(port)


@pytest.fixture
def background() -> Iterator[None]:
    """Let the processes that the test starts ignore Ctrl-C, as a script's `&` does."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("background")
def test_in_the_background_of_a_script_an_interrupt_ends_all(checkout: Path) -> None:
    pipeline = Pipeline(checkout)
    try:
        (script,) = pipeline.processes("-m", "compose.local.run")
        script.send_signal(signal.SIGINT)
        wait_until(lambda: not pipeline.processes(), "all processes are gone")
    finally:
        pipeline.make.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_the_script_ends_all(checkout: Path, pipeline: Pipeline, number: signal.Signals) -> None:
    (script,) = pipeline.processes("-m", "compose.local.run")
    script.send_signal(number)
    wait_until(lambda: not pipeline.processes(), "all processes are gone")


def test_a_terminal_that_is_closed_ends_all_in_peace(checkout: Path) -> None:
    """Make leads the terminal's session here, as under `ssh -t`, and is the only one whom the kernel tells."""
    pipeline = Pipeline(checkout, sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])")
    try:
        pipeline.wait_until_ready()
        pipeline.make.kill()
        wait_until(lambda: not pipeline.processes(), "all processes are gone", STOP_S)
        assert "stopped: redis (exit status 0)" in (checkout / "var" / "log" / "supervisord.log").read_text()
    finally:
        for process in pipeline.processes():
            process.kill()


def test_a_full_disk_under_the_logs_is_told_in_one_line(checkout: Path) -> None:
    log = checkout / "var" / "log" / "supervisord.log"
    log.parent.mkdir(parents=True)
    log.symlink_to("/dev/full")
    pipeline = Pipeline(checkout)
    try:
        pipeline.wait_until_ready()
    finally:
        pipeline.make.stop()
    full = [line for line in pipeline.make.log.splitlines() if "No space left" in line]
    assert full == ["supervisord: OSError: [Errno 28] No space left on device"]
    assert "Traceback" not in pipeline.make.log


def test_nothing_outlives_a_killed_supervisor(pipeline: Pipeline) -> None:
    (supervisor,) = pipeline.processes("-m", "supervisor.supervisord")
    supervisor.kill()
    wait_until(lambda: not pipeline.processes(), "all processes are gone")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def refusal(checkout: Path, **variables: int) -> str:
    """Return what a `make run` that cannot start says, without what make adds to it."""
    run = subprocess.run(command(checkout, **variables), capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode != 0
    return "\n".join(line for line in run.stderr.splitlines() if not line.startswith("make"))


@pytest.mark.parametrize("variable", ["PORT", "FLOWER_PORT", "REDIS_PORT"])
def test_a_taken_port_is_told_in_one_line_with_its_cure(checkout: Path, variable: str) -> None:
    ports = {"PORT": free_port(), "FLOWER_PORT": free_port(), "REDIS_PORT": free_port()}
    with socket.create_server(("127.0.0.1", ports[variable])):
        port = ports[variable]
        assert refusal(checkout, **ports) == (
            f"port {port} is taken: stop what listens there, or take another with make run {variable}={port + 1}"
        )


def test_a_port_that_is_none_is_told_in_one_line_with_its_cure(checkout: Path) -> None:
    ports = {"PORT": 70_000, "FLOWER_PORT": free_port(), "REDIS_PORT": free_port()}
    assert refusal(checkout, **ports) == "PORT=70000 is no port: take one from 1 to 65535"


def test_one_port_for_two_is_told_in_one_line(checkout: Path) -> None:
    port = free_port()
    told = refusal(checkout, PORT=free_port(), FLOWER_PORT=port, REDIS_PORT=port)
    assert told == "PORT, FLOWER_PORT and REDIS_PORT must differ: take another port for one of them"


def test_a_redis_that_a_file_names_is_the_one_that_is_used(
    checkout: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "QUILL_REDIS_URL").write_text(f"{redis_url}\n")
    monkeypatch.setenv("QUILL_SECRETS_DIR", str(secrets))
    pipeline = Pipeline(checkout)
    another = Process("make worker", ["make", "--directory", str(checkout), "worker"], tmp_path / "worker.log")
    try:
        with Redis.from_url(redis_url) as redis:
            pipeline.make.wait_until(lambda: len(redis.keys(f"{WORKER_KEY}*")) == 2, "both workers use it", START_S)
        assert not listens(pipeline.ports["REDIS_PORT"])
    finally:
        another.stop()
        pipeline.make.stop()


def test_a_misspelt_setting_stops_the_start(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_BATCHLIMIT", "8")
    free = {"PORT": free_port(), "FLOWER_PORT": free_port(), "REDIS_PORT": free_port()}
    assert refusal(checkout, **free) == "unknown setting QUILL_BATCHLIMIT; `python -m shared.settings` lists all"


def test_a_model_that_cannot_be_read_is_told_at_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a page that never comes: each worker would tell it to its log, and start again."""
    monkeypatch.setenv("QUILL_MODEL", "nothing.keras")
    assert refusal(checkout).startswith("nothing.json cannot be read (No such file or directory): restore it with git,")


def test_a_file_in_the_place_of_the_data_is_told_in_one_line_with_its_cure(checkout: Path) -> None:
    (checkout / "var").touch()
    assert refusal(checkout) == (
        "the folder var/ cannot be made (File exists): move away what is in its place, or let yourself write there"
    )


@pytest.mark.parametrize("workers", [0, 65])
def test_a_number_of_workers_that_cannot_be_is_told_in_one_line(checkout: Path, workers: int) -> None:
    assert refusal(checkout, WORKERS=workers) == f"WORKERS={workers} cannot be: take 1 to 64"


def test_beyond_the_last_port_none_is_proposed() -> None:
    with socket.create_server(("127.0.0.1", 65535)), pytest.raises(PortError, match=r"PORT=65534$"):
        check_ports({"PORT": 65535, "FLOWER_PORT": 65534})


def test_a_python_that_is_too_old_is_told_in_one_line_with_its_cure(checkout: Path) -> None:
    (checkout / ".venv").unlink()
    old = checkout / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        ["make", "run", "PYTHON=./old-python"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert run.stderr.splitlines()[0] == (
        "./old-python is no Python 3.11, 3.12 or 3.13: name one, as in make run PYTHON=python3.12"
    )


def test_a_second_pipeline_in_the_same_folder_is_refused(pipeline: Pipeline) -> None:
    ports = {"PORT": free_port(), "FLOWER_PORT": free_port(), "REDIS_PORT": free_port()}
    assert refusal(pipeline.checkout, **ports).startswith("Quill runs in this folder already: ")
