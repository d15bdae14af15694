"""A stack for tests: docker compose in a project of its own, on a port that the kernel picks."""

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.services.process import wait_until

SEVEN = Path(__file__).parents[1] / "seven.png"
SLOW_S = 1800  # for one docker command on a busy machine: three Cassandra nodes join one after another


class Stack:
    """The services of docker-compose.yml.

    Attributes:
        environ: what docker compose is called with.
    """

    def __init__(self, project: str, *options: str) -> None:
        self.environ = os.environ | {"COMPOSE_PROJECT_NAME": project, "PORT": "0"}
        self._options = options

    def compose(self, *words: str) -> str:
        """Run docker compose; return what it wrote to standard output."""
        return run("docker", "compose", *self._options, *words, environ=self.environ)

    def up(self, *options: str) -> None:
        """Start what does not run; all is healthy on return."""
        self.compose("up", "--detach", "--wait", *options)

    def down(self) -> None:
        """Remove everything, the data too; pytest shows the logs beside a failed test."""
        sys.stdout.write(self.compose("logs", "--no-color", "--tail", "30"))
        self.compose("down", "--volumes", "--timeout", "10", "--remove-orphans")

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """Return what Docker knows of each running container."""
        ids = self.compose("ps", "--quiet", *filter(None, [service])).split()
        return json.loads(run("docker", "inspect", *ids)) if ids else []

    def exec(self, service: str, *words: str) -> str:
        """Run a command in a service's container; return its output, of both kinds."""
        return self.compose("exec", "--no-TTY", service, "sh", "-c", '"$@" 2>&1 || true', "--", *words)

    @property
    def page(self) -> str:
        """The page's address, which changes with each start."""
        return f"http://{self.compose('port', 'web', '8000').strip()}"

    def draw(self) -> dict[str, Any]:
        """Send a drawing of a seven until it is accepted; return the prediction, finished within 20 s or not."""
        headers = {"Content-Type": "image/png", "Prefer": "wait=20"}
        address = f"{self.page}/api/v1/predictions"

        def sent() -> dict[str, Any]:
            answer = requests.post(address, SEVEN.read_bytes(), headers=headers, timeout=30)
            return answer.json() if answer.ok else {}

        return wait_until(sent, "a drawing is accepted", 60)


class Visitors:
    """People who draw, wait a second for the answer, and draw again, while a test breaks something.

    What was accepted, answered in time or not, may not be lost; a refusal (503) promises nothing.
    """

    def __init__(self, stack: Stack, count: int = 4) -> None:
        self._address = f"{stack.page}/api/v1/predictions"
        self._drawing = True
        self._pool = ThreadPoolExecutor(count)
        self._lists: list[Future[list[str]]] = [self._pool.submit(self._draw) for _ in range(count)]

    def _draw(self) -> list[str]:
        ids: list[str] = []
        with requests.Session() as session:
            session.headers.update({"Content-Type": "image/png", "Prefer": "wait=1"})
            while self._drawing:
                answer = session.post(self._address, SEVEN.read_bytes(), timeout=30)
                if answer.ok:
                    ids.append(answer.json()["id"])
        return ids

    def accepted(self) -> list[str]:
        """Let them stop; return the ids of all that was accepted."""
        self._drawing = False
        ids = [prediction_id for ids in self._lists for prediction_id in ids.result()]
        self._pool.shutdown()
        return ids


def run(*words: str, environ: dict[str, str] | None = None, given: str = "") -> str:
    """Run a program on the given input; return what it wrote to standard output, or fail with what it wrote."""
    done = subprocess.run(words, env=environ, input=given, capture_output=True, text=True, check=False, timeout=SLOW_S)
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
