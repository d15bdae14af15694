"""Faults from outside: strangers' messages, clients that leave, a slow wire, a model that cannot be loaded."""

import json
import os
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from redis import Redis

from shared.contract import CLASSIFY, QUEUE
from shared.queue import make_celery
from shared.settings import Settings
from tests.chaos.proxy import slow_wire
from tests.chaos.scene import Scene
from tests.chaos.stack import WORKERS
from tests.services.process import wait_until

JUNK = (b"{", b"\xff\xfe", b"7", b"[]", b"{}", b'{"body": 5, "headers": 7}', b"[" * 50_000)

WRONG: tuple[list[Any], ...] = ([], [{}], [{"version": 1, "jobs": [{"id": "x"}]}], [[[]]], ["a", "b"])


def send_strangers_messages(scene: Scene) -> None:
    """Push what is no message, a task that nobody knows, and our own task with what nobody can classify."""
    url = scene.stack.redis_server.url()
    with Redis.from_url(url) as redis:
        for junk in JUNK:
            redis.lpush(QUEUE, junk)
            time.sleep(0.2)
    app = make_celery(Settings(redis_url=SecretStr(url)))
    app.send_task("quill.unknown", args=[{}])
    for args in WRONG:
        app.send_task(CLASSIFY, args=args)


def age_the_messages(scene: Scene) -> None:
    """Make the waiting messages those of another version: a worker drops them, and their jobs are still promised."""
    scene.stack.hold(*WORKERS)
    with scene.stack.redis() as redis:
        wait_until(lambda: redis.llen(QUEUE), "something waits", 180)
        for text in cast("list[str]", redis.lrange(QUEUE, 0, -1)):
            redis.lrem(QUEUE, 1, text)
            redis.lpush(QUEUE, _aged(text))
    scene.stack.release(*WORKERS)


def _aged(text: str) -> str:
    message: dict[str, Any] = json.loads(text)
    args, *rest = json.loads(b64decode(message["body"]))
    args[0]["version"] = 99
    return json.dumps(message | {"body": b64encode(json.dumps([args, *rest]).encode()).decode()})


def leave_in_the_middle(scene: Scene) -> None:
    """Clients that hang up: half-way through a drawing, and while they wait for an answer."""
    address = urlsplit(scene.stack.address)
    for request in (b"POST /api/v1/predictions HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n",) * 20:
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
            connection.sendall(request + b"Host: quill\r\n\r\n" + scene.clients.new_drawing().png[:300])
    waiting = scene.clients.send_surely(scene.clients.new_drawing())
    for _ in range(20):
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
            connection.sendall(f"GET /api/v1/predictions/{waiting.id}?wait=30 HTTP/1.1\r\nHost: quill\r\n\r\n".encode())


def send_bodies_that_never_come(scene: Scene) -> None:
    """A hundred clients tell of a drawing and then say nothing more."""
    address = urlsplit(scene.stack.address)
    head = (
        b"POST /api/v1/predictions HTTP/1.1\r\nHost: quill\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\n"
    )
    with ExitStack() as clients:
        for _ in range(100):
            ends = (str(address.hostname), int(address.port or 0))
            clients.enter_context(socket.create_connection(ends, timeout=5)).sendall(head)
        scene.pause(12)


def slow_the_wire_to_redis(scene: Scene) -> None:
    _slow_the_wire(scene, "redis_url", scene.stack.redis_server.port)


def slow_the_wire_to_cassandra(scene: Scene) -> None:
    assert scene.stack.cassandra
    _slow_the_wire(scene, "store_url", int(scene.stack.cassandra.address.rpartition(":")[2]))


def _slow_the_wire(scene: Scene, setting: str, port: int) -> None:
    """Put up to 400 ms, both ways, between Quill and what listens on the port."""
    stack, direct = scene.stack, scene.stack.settings[setting]
    with slow_wire(port, 0.2) as slow:
        stack.settings[setting] = direct.replace(f":{port}/", f":{slow}/")
        stack.restart("web", *WORKERS)
        scene.pause(40)
        stack.settings[setting] = direct
        stack.restart("web", *WORKERS)


def start_with_a_broken_model(scene: Scene) -> None:
    """The product's own worker refuses a model that is not the one it was proved with; drawings are accepted still."""
    stack = scene.stack
    broken = stack.folder / "broken.keras"
    broken.write_bytes(b"no model")
    stack.hold(*WORKERS)
    environment = {**stack.environment(), "QUILL_MODEL": str(broken)}
    refused = subprocess.run(
        [sys.executable, "-m", "worker"], env=os.environ | environment, capture_output=True, timeout=120, check=False
    )
    assert refused.returncode, "a worker started with a broken model"
    address = f"{stack.address}/readyz"
    wait_until(lambda: requests.get(address, timeout=10).status_code == 503, "readiness is red without a worker", 15)
    scene.clients.send_surely(scene.clients.new_drawing())
    stack.release(*WORKERS)
