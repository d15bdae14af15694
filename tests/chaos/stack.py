"""The real pipeline under a small supervisor: what dies is started again after a second, unless it is held down."""

import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis

from shared.queue import WORKER_KEY
from shared.settings import Settings
from shared.store import Position
from tests.chaos.drawings import Orders, mark_of
from tests.services.cassandra import CassandraServer
from tests.services.process import Process, free_port, wait_until
from tests.services.redis import RedisServer
from tests.services.store import opened

RESTART_S = 1.0
WORKERS = ("worker1", "worker2")
Command = Callable[[str], list[str]]


class Stack:
    """Redis, a store, two workers and a web server, each a process of its own.

    Attributes:
        address: of the web server.
        settings: of web and workers, read when one is started.
        version: the model's, read when a worker is started.
        orders: what the model is told to do.
    """

    def __init__(self, folder: Path, store: str = "sqlite", *, real: bool = False) -> None:
        self.folder = folder
        (folder / "redis").mkdir(parents=True)
        self.redis_server = RedisServer(folder / "redis")
        self.cassandra = _cassandra(folder / "cassandra") if store == "cassandra" else None
        self.sqlite_file = folder / "quill.db"
        store_url = f"cassandra://{self.cassandra.address}/chaos" if self.cassandra else f"sqlite:///{self.sqlite_file}"
        self.settings: dict[str, Any] = {"redis_url": self.redis_server.url(), "store_url": store_url}
        self.orders = Orders(folder / "orders")
        self.version = "chaos-1"
        self._model = ["--real"] if real else []
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.processes: dict[str, Process] = {}
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start all; the supervisor looks after them from now on."""
        for name in ("web", *WORKERS):
            self.launch(name)
        self._supervisor.start()

    def stop(self) -> None:
        """End everything."""
        self._ending.set()
        self._supervisor.join()
        servers = [self.redis_server.process, *([self.cassandra.process] if self.cassandra else [])]
        for process in [*self.processes.values(), *servers]:
            process.kill()

    def redis(self) -> Redis:
        """Return a client for the harness's own questions."""
        return Redis.from_url(self.redis_server.url(), decode_responses=True, socket_timeout=10)

    def command(self, name: str) -> list[str]:
        if name == "web":
            return [sys.executable, "-m", "web", "--port", str(self._port)]
        options = ["--name", name, "--orders", str(self.folder / "orders"), "--version", self.version]
        return [sys.executable, "-m", "tests.chaos.worker", *options, *self._model]

    def environment(self) -> Mapping[str, str]:
        return os.environ | {f"QUILL_{name.upper()}": str(value) for name, value in self.settings.items()}

    def launch(self, name: str) -> None:
        self.processes[name] = Process(name, self.command(name), self.folder / f"{name}.log", self.environment())

    def kill(self, name: str) -> None:
        """Kill -9; the supervisor starts it again."""
        self.processes[name].kill()

    def signal(self, name: str, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.processes[name].send(number)

    def hold(self, *names: str) -> None:
        """Stop them in peace, and do not start them again before release."""
        with self._lock:
            self._held |= set(names)
        for name in names:
            self.signal(name, signal.SIGTERM)
        for name in names:
            self.processes[name].wait()

    def release(self, *names: str) -> None:
        with self._lock:
            self._held -= set(names)

    def restart(self, *names: str) -> None:
        """Stop them in peace, one after another, each again there before the next."""
        for name in names:
            old = self.processes[name]
            self.signal(name, signal.SIGTERM)
            wait_until(lambda name=name, old=old: self.processes[name] is not old, f"{name} is started again", 180)
            if name != "web":
                self.wait_for_worker(name)

    def wait_for_worker(self, name: str) -> None:
        """Wait until this life of the worker tells that it lives."""
        key = f"{WORKER_KEY}{name}-{self.processes[name].pid}"
        with self.redis() as redis:
            wait_until(lambda: redis.exists(key), f"{name} lives", 180)

    def forget_redis_data(self) -> None:
        """Remove what Redis keeps on disk; it is not running."""
        shutil.rmtree(self.folder / "redis" / "appendonlydir", ignore_errors=True)
        (self.folder / "redis" / "dump.rdb").unlink(missing_ok=True)

    def answers_by_drawing(self) -> Counter[str]:
        """Return how many predictions each drawing has, from the store's whole history."""
        store = opened(Settings(store_url=self.settings["store_url"]))
        marks: Counter[str] = Counter()
        page = store.history(500)
        while page:
            marks.update(mark_of(prediction.pictures[0]) for prediction in page)
            page = store.history(500, Position(page[-1].accepted_ms, page[-1].id))
        store.close()
        return marks

    def _supervise(self) -> None:
        died: dict[str, float] = {}
        while not self._ending.wait(0.1):
            with self._lock:
                held = set(self._held)
            for name, process in list(self.processes.items()):
                if process.exit_code is None or name in held:
                    died.pop(name, None)
                    continue
                died[name] = died.get(name, 0) + 0.1
                if died[name] >= RESTART_S:
                    self.launch(name)


def _cassandra(folder: Path) -> CassandraServer:
    folder.mkdir()
    return CassandraServer(folder)
