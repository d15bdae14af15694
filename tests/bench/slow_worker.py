"""A worker whose model takes 50 ms a call and no CPU: what is then measured is how the work is shared."""

import os
import sys
import time

import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES
from shared.settings import Settings
from shared.store import open_store
from worker.app import Worker

CALL_S = float(os.environ.pop("CALL_S", "0.05"))


class SlowModel:
    """Answers the first class to everything."""

    version = "slow"
    threshold = 0.0

    def classify(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(CALL_S)
        return np.tile(np.eye(CLASSES, dtype=np.float32)[0], (len(pictures), 1))


if __name__ == "__main__":
    settings = Settings.from_env()
    sys.exit(Worker(settings, SlowModel(), open_store(settings), name=f"slow@{os.getpid()}").run(None))
