"""What a fault may use."""

import random
import time
from dataclasses import dataclass

from tests.chaos.clients import Clients
from tests.chaos.stack import WORKERS, Stack


@dataclass(frozen=True)
class Scene:
    """The pipeline, its clients, and chance.

    Attributes:
        scale: of the durations; 1 in the full run, less in a short one.
    """

    stack: Stack
    clients: Clients
    chance: random.Random
    scale: float

    def worker(self) -> str:
        return self.chance.choice(WORKERS)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)
