"""The pipeline that most tutorials show, for comparison: publish, then 202; acks_late and all else by default."""

import argparse
import json
import logging
import os
import sqlite3
import sys
import uuid
from base64 import b64decode, b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from celery import Celery
from kombu.exceptions import KombuError

from shared.contract import NAMES, SIDE
from shared.picture import pictures_from_png
from tests.chaos.drawings import Orders
from tests.chaos.stack import Stack
from tests.chaos.worker import OrderedModel

FILE, REDIS, ORDERS = "NAIVE_FILE", "NAIVE_REDIS", "NAIVE_ORDERS"  # variables of its processes
CLASSIFY = "naive.classify"


class NaiveStack(Stack):
    """The naive pipeline under the same supervisor, on the same Redis, with SQLite."""

    def start(self) -> None:
        with _database(self.sqlite_file) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE results (id TEXT, digits TEXT)")
        super().start()

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "tests.chaos.naive", name, self.address.rpartition(":")[2]]

    def environment(self) -> dict[str, str]:
        own = {FILE: str(self.sqlite_file), REDIS: self.redis_server.url(), ORDERS: str(self.folder / "orders")}
        return os.environ | own

    def wait_for_worker(self, name: str) -> None:
        """Nothing tells."""

    def answers_by_drawing(self) -> Counter[str]:
        with _database(self.sqlite_file) as database:
            return Counter(dict(database.execute("SELECT id, count(*) FROM results GROUP BY id")))


def _database(file: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(file)


def make_celery() -> Celery:
    app = Celery("naive", broker=os.environ[REDIS], set_as_current=False)
    app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True)
    return app


def work(name: str) -> None:
    app, model = make_celery(), OrderedModel(Orders(Path(os.environ[ORDERS])), "naive")

    def classify(prediction_id: str, ink: str) -> None:
        pictures = np.frombuffer(b64decode(ink), np.uint8).reshape(-1, SIDE, SIDE)
        digits = "".join(NAMES[row.argmax()] for row in model.classify(pictures))
        with _database(os.environ[FILE]) as database:
            database.execute("INSERT INTO results VALUES (?, ?)", (prediction_id, digits))

    app.task(name=CLASSIFY)(classify)
    app.Worker(hostname=name, pool="threads", concurrency=8).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    celery: Celery

    def do_POST(self) -> None:
        pictures = pictures_from_png(self.rfile.read(int(self.headers["Content-Length"])))
        ink = b64encode(b"".join(picture.tobytes() for picture in pictures)).decode()
        prediction_id = str(uuid.uuid4())
        try:
            self.celery.send_task(CLASSIFY, [prediction_id, ink], retry=False)
        except (KombuError, OSError) as error:
            return self.tell(500, {"error": str(error)})
        return self.tell(202, {"id": prediction_id})

    def do_GET(self) -> None:
        with _database(os.environ[FILE]) as database:
            rows = database.execute(
                "SELECT digits FROM results WHERE id = ? ORDER BY rowid DESC LIMIT 1", [self.path.rpartition("/")[2]]
            ).fetchall()
        self.tell(200, {"state": "done", "digits": rows[0][0]} if rows else {"state": "queued"})

    def tell(self, status: int, answer: dict[str, str]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.naive")
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.name != "web":
        return work(options.name)
    Handler.celery = make_celery()
    return ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
