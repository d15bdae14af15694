"""One window: so many users against one contestant; what they saw, and what it cost in each process."""

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from tests.bench.client import Load
from tests.bench.contestants import READY_S, Contestant
from tests.services.process import Process


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured in one window.

    Attributes:
        per_core_s: results for each second of CPU that all processes of the contestant used together.
        cpu_us: microseconds of CPU for each result, by part; the client's own under "client".
        memory_mb: what the process of each part holds (PSS), by part.
    """

    users: int
    results_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_core_s: float
    cpu_us: Mapping[str, float]
    memory_mb: Mapping[str, float]
    errors: int
    wrong: int
    first_error: str


def measure(contestant: Contestant, load: Load) -> Window:
    """Let the client run its window and return what came of it."""
    command = [sys.executable, "-m", "tests.bench.client"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdin
        assert client.stdout
        json.dump(asdict(load), client.stdin)
        client.stdin.close()
        client.stdout.readline()
        before = {part: _cpu_s(process) for part, process in contestant.parts.items()}
        tally: dict[str, Any] = json.loads(client.stdout.readline())
        used = {part: _cpu_s(process) - before[part] for part, process in contestant.parts.items()}
        memory = {part: _memory_mb(process) for part, process in contestant.parts.items()}
    return _window(load.users, tally, used, memory)


def _window(users: int, tally: Mapping[str, Any], used: Mapping[str, float], memory: Mapping[str, float]) -> Window:
    results: int = tally["results"]
    cuts = _cuts(tally["milliseconds"])
    cpu_us = {part: 1e6 * seconds / max(1, results) for part, seconds in used.items()}
    return Window(
        users=users,
        results_s=results / tally["window_s"],
        p50_ms=cuts[49],
        p95_ms=cuts[94],
        p99_ms=cuts[98],
        per_core_s=results / sum(used.values()),
        cpu_us=cpu_us | {"client": 1e6 * tally["client_cpu_s"] / max(1, results)},
        memory_mb=memory,
        errors=tally["errors"],
        wrong=tally["wrong"],
        first_error=tally["first_error"],
    )


def _cuts(milliseconds: Sequence[float]) -> list[float]:
    """Return the percentiles 1 to 99."""
    if len(milliseconds) < 2:
        return [float("nan")] * 99
    return statistics.quantiles(milliseconds, n=100, method="inclusive")


def wait_until_served(contestant: Contestant, request: bytes) -> None:
    """Return once the contestant answers a drawing, its model loaded."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", contestant.port), timeout=30) as connection:
                connection.sendall(request)
                if connection.recv(1000).startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            logs = "\n".join(process.log[-2000:] for process in contestant.parts.values())
            raise TimeoutError(f"no answer within {READY_S} s\n{logs}")
        time.sleep(0.2)


def _tree(process: Process) -> list[psutil.Process]:
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def _cpu_s(process: Process) -> float:
    times = [member.cpu_times() for member in _tree(process)]
    return sum(time.user + time.system for time in times)


def _memory_mb(process: Process) -> float:
    return sum(member.memory_full_info().pss for member in _tree(process)) / 1e6
