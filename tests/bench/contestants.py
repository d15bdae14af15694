"""Who is measured: Quill's real processes, the designs it replaces, and its peers."""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from tests.bench.peers.plain import picture_from_png
from tests.services.cassandra import CassandraServer
from tests.services.process import Process, free_port
from tests.services.quill import Quill
from tests.services.redis import RedisServer

ROOT = Path.cwd()
PEERS = ROOT / "var/peers/bin/python"  # made by `make bench-peers`
DRAWINGS, WAIT = "/api/v1/predictions", "Prefer: wait=30"
READY_S = 300  # a busy machine loads TensorFlow slowly
SEED = ROOT / "worker/models/seed.keras"

Write = Callable[[Sequence[bytes]], bytes]  # PNGs -> the request that carries them, as it goes over the wire


def png_request(path: str, *more: str) -> Write:
    """Return the writer of requests whose body is the PNG."""
    return lambda pngs: post(path, "image/png", pngs[0], *more)


def json_request(path: str, *, many: bool = False) -> Write:
    """Return the writer of requests with a data URL in JSON, in a list for those who want one."""

    def write(pngs: Sequence[bytes]) -> bytes:
        return post_json(path, {"image": [data_url(pngs[0])] if many else data_url(pngs[0])})

    return write


def data_url(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def post_json(path: str, body: object, *more: str) -> bytes:
    return post(path, "application/json", json.dumps(body).encode(), *more)


def post(path: str, kind: str, body: bytes, *more: str) -> bytes:
    """Return a request; more are further header lines."""
    head = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that runs.

    Attributes:
        parts: its processes, by the part of the work that they do.
        write: makes a request of as many drawings as group tells.
        follow: what is added to the Location of a 202 to ask for the answer, pause_s (seconds) before each question.
    """

    port: int
    parts: Mapping[str, Process]
    write: Write
    group: int = 1
    follow: str = ""
    pause_s: float = 0.0


class Ground:
    """Where one contestant runs: its folder, its Redis, and whatever else has to end with it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        folder.mkdir(parents=True)

    def redis(self) -> RedisServer:
        server = RedisServer(self.folder)
        self.stack.callback(server.process.kill)
        return server

    def start(self, name: str, *command: str, **environ: str) -> Process:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"} | environ
        process = Process(name, command, self.folder / f"{name}.log", environment)
        self.stack.callback(_kill, process)
        return process

    def granian(self, application: str, port: int, threads: int, **environ: str) -> Process:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
        return self.start("web", *command, "--blocking-threads", str(threads), application, **environ)


def _kill(process: Process) -> None:
    """Kill it and all that it started: BentoML's workers leave its group."""
    started: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for each in started:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def quill(ground: Ground, **settings: object) -> Contestant:
    """Start one web process and one worker."""
    redis = ground.redis()
    parts = Quill(ground.folder, redis.url(), **{"model": SEED, "client_limit": 10**9} | settings)
    ground.stack.callback(parts.stop)
    processes = {"worker": parts.start_worker(), "web": parts.start_web(), "redis": redis.process}
    parts.wait_until_ready(READY_S)
    port = int(parts.address.rpartition(":")[2])
    return Contestant(port, processes, png_request(DRAWINGS, WAIT), follow="?wait=30")


def quill_cassandra(ground: Ground) -> Contestant:
    (ground.folder / "cassandra").mkdir()
    server = CassandraServer(ground.folder / "cassandra")
    ground.stack.callback(server.process.kill)
    return quill(ground, store_url=f"cassandra://{server.address}/mnist_database")


def quill_onnx(ground: Ground) -> Contestant:
    return quill(ground, runtime="onnx")


def quill_many(ground: Ground) -> Contestant:
    """Send 64 PNGs a request."""

    def write(pngs: Sequence[bytes]) -> bytes:
        return post_json(f"{DRAWINGS}/batch", {"drawings": [{"image": data_url(png)} for png in pngs]}, WAIT)

    return replace(quill(ground), write=write, group=64)


def quill_raw(ground: Ground) -> Contestant:
    """Send 64 pictures a request, made by the client beforehand."""

    def write(pngs: Sequence[bytes]) -> bytes:
        pictures = [b64encode(picture_from_png(png).tobytes()).decode() for png in pngs]
        return post_json(f"{DRAWINGS}/batch", {"drawings": [{"picture": ink} for ink in pictures]}, WAIT)

    return replace(quill(ground), write=write, group=64)


def seed(ground: Ground) -> Contestant:
    port = free_port()
    database = str(ground.folder / "seed.db")
    web = ground.granian("tests.bench.peers.seed:app", port, threads=1, DATABASE=database)
    return Contestant(port, {"web": web}, json_request("/predict"))


def naive(ground: Ground) -> Contestant:
    port, redis = free_port(), ground.redis()
    web = ground.granian("tests.bench.peers.naive:app", port, threads=16, REDIS_URL=redis.url())
    module = "tests.bench.peers.naive"
    worker = ground.start(
        "worker", sys.executable, "-m", "celery", "-A", f"{module}:celery", "worker", "-c1", REDIS_URL=redis.url()
    )
    worker.wait_until(lambda: "model loaded" in worker.log, "the worker has its model", READY_S)
    parts = {"web": web, "worker": worker, "redis": redis.process}
    return Contestant(port, parts, json_request("/predict"), pause_s=0.1)


def batches(ground: Ground) -> Contestant:
    port, redis = free_port(), ground.redis()
    module, environ = "tests.bench.peers.batches", {"REDIS_URL": redis.url()}
    gunicorn = ("-m", "gunicorn", "-k", "gevent", "--worker-connections", "1000", "-b", f"127.0.0.1:{port}")
    web = ground.start("web", str(PEERS), *gunicorn, f"{module}:app", **environ)
    celery = ("-m", "celery", "-A", f"{module}:celery", "worker", "-P", "threads", "-c", "1")
    worker = ground.start("worker", str(PEERS), *celery, **environ)
    return Contestant(port, {"web": web, "worker": worker, "redis": redis.process}, json_request("/predict"))


def litserve(ground: Ground) -> Contestant:
    port = free_port()
    web = ground.start("web", str(PEERS), "-m", "tests.bench.peers.lit", str(port))
    return Contestant(port, {"web": web}, json_request("/predict"))


def bentoml(ground: Ground) -> Contestant:
    port = free_port()
    command = ("-m", "bentoml", "serve", "tests.bench.peers.bento:Digits", "--port", str(port))
    web = ground.start("web", str(PEERS), *command, BENTOML_HOME=str(ground.folder), BENTOML_DO_NOT_TRACK="True")
    return Contestant(port, {"web": web}, json_request("/predict", many=True))


def mosec(ground: Ground) -> Contestant:
    port = free_port()
    web = ground.start("web", str(PEERS), "-m", "tests.bench.peers.mosec_server", "--port", str(port))
    return Contestant(port, {"web": web}, png_request("/inference"))


_OURS: dict[str, Callable[[Ground], Contestant]] = {
    "Quill, SQLite": quill,
    "Quill, Cassandra": quill_cassandra,
    "Quill, SQLite, ONNX": quill_onnx,
    "Quill, 64 PNGs a request": quill_many,
    "Quill, 64 pictures a request": quill_raw,
    "the seed": seed,
    "naive Celery": naive,
}
_PEERS: dict[str, Callable[[Ground], Contestant]] = {
    "Celery with celery-batches": batches,
    "LitServe": litserve,
    "BentoML": bentoml,
    "Mosec": mosec,
}
CONTESTANTS = _OURS | (_PEERS if PEERS.exists() else {})
