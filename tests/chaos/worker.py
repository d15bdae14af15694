"""A real worker with a model that starts at once and does what it is ordered: `python -m tests.chaos.worker`."""

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.contract import Prediction
from shared.settings import Settings
from shared.store import Store, open_store
from tests.chaos.drawings import EVERY, Orders, classify_as_stub, mark_of, real_classify
from worker.answering import Classify
from worker.app import Worker


def abort() -> None:
    os.abort()


def exhaust() -> None:
    raise MemoryError


def leave() -> None:
    raise SystemExit(3)


def hang() -> None:
    time.sleep(10_000)


def complain() -> None:
    raise ValueError("the model was told to raise")


DEEDS: dict[str, Callable[[], None]] = {
    "abort": abort,
    "memory": exhaust,
    "exit": leave,
    "hang": hang,
    "raise": complain,
}


class OrderedModel:
    """A model, a stub by default; see Orders for what else it may do."""

    threshold = 0.5

    def __init__(self, orders: Orders, version: str, classify: Classify = classify_as_stub) -> None:
        self.version = version
        self._orders = orders
        self._classify = classify

    def classify(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._do(EVERY)
        for picture in pictures:
            self._do(mark_of(picture.tobytes()))
        return self._classify(pictures)

    def _do(self, mark: str) -> None:
        order, _, seconds = self._orders.of(mark).partition(" ")
        if not order:
            return
        self._orders.note(mark)
        if order == "slow":
            time.sleep(float(seconds))
        else:
            DEEDS[order]()


def killed_after_finish(store: Store, orders: Orders) -> Store:
    """Let the process die between the durable answer and the acknowledgement, when so ordered."""
    finish = store.finish

    def finish_and_die(predictions: Sequence[Prediction]) -> int:
        repeated = finish(predictions)
        if orders.take("kill-after-finish"):
            os.kill(os.getpid(), signal.SIGKILL)
        return repeated

    store.finish = finish_and_die
    return store


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.worker")
    parser.add_argument("--name", required=True)
    parser.add_argument("--orders", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--real", action="store_true", help="the shipped model instead of a stub")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings, orders = Settings.from_env(), Orders(options.orders)
    store = killed_after_finish(open_store(settings), orders)
    model = OrderedModel(orders, options.version, real_classify() if options.real else classify_as_stub)
    return Worker(settings, model, store, name=f"{options.name}-{os.getpid()}").run(beat=None)


if __name__ == "__main__":
    sys.exit(main())
