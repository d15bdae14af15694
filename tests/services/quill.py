"""Quill itself for tests: its real processes, started as `make run` and the images start them, and drawn to."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import requests

from tests.services.pngs import SEVEN
from tests.services.process import Process, free_port, wait_until

PREDICTIONS = "/api/v1/predictions"


def draw(address: str, **headers: str) -> dict[str, Any]:
    """Send the drawing of a seven to a web server; return the prediction as it was answered."""
    answer = requests.post(
        f"{address}{PREDICTIONS}", SEVEN, headers={"Content-Type": "image/png"} | headers, timeout=120
    )
    assert answer.status_code in {200, 202}, answer.text
    return answer.json()


def answered(address: str, prediction_id: str) -> dict[str, Any]:
    """Return the prediction once it is done."""
    place = f"{address}{PREDICTIONS}/{prediction_id}?wait=5"

    def done() -> dict[str, Any]:
        prediction = requests.get(place, timeout=60).json()
        return prediction if prediction["state"] == "done" else {}

    return wait_until(done, "the drawing is answered", 180)


class Quill:
    """Web and worker processes on one Redis and one store.

    Attributes:
        address: of the page, without a slash at its end.
        settings: those that differ from the defaults.
        processes: all that were started, with their logs.
    """

    def __init__(self, folder: Path, redis_url: str, **settings: object) -> None:
        self.settings = {"redis_url": redis_url, "store_url": f"sqlite:///{folder}/quill.db"} | settings
        self._environ = os.environ | {f"QUILL_{name.upper()}": str(value) for name, value in self.settings.items()}
        self._folder = folder
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.processes: list[Process] = []

    def start_web(self, *options: str) -> Process:
        """Start the web server; it answers on return."""
        web = self._start("web", "--port", str(self._port), *options)
        web.wait_until(lambda: self._answers("/healthz"), "the web server answers")
        return web

    def start_worker(self, *options: str) -> Process:
        """Start a worker, which takes some seconds to load its model."""
        return self._start("worker", *options)

    def wait_until_ready(self, seconds: float = 90) -> None:
        """Wait until a drawing would be answered: store, queue and a worker are there."""
        self.processes[-1].wait_until(lambda: self._answers("/readyz"), "Quill is ready", seconds)

    def print_logs(self) -> None:
        """Print what the processes wrote since the last call, for pytest to show beside a failed test."""
        for process in self.processes:
            process.print_log()

    def stop(self) -> None:
        """Stop what still runs, the last first."""
        for process in reversed(self.processes):
            process.stop()

    def _start(self, module: str, *options: str) -> Process:
        name = f"{module}{len(self.processes)}"
        command = [sys.executable, "-m", module, *options]
        process = Process(name, command, self._folder / f"{name}.log", self._environ)
        self.processes.append(process)
        return process

    def _answers(self, path: str) -> bool:
        try:
            with urlopen(self.address + path, timeout=5):
                return True
        except OSError:  # refused, or a status that says no
            return False
