"""What each client has sent within the present minute."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable

WINDOW_S = 60


class Shares:
    """Counts by client; all counts begin anew with each minute, so that they take no room for long.

    The limits library does the same and starts a thread for every hundredth of a second in which a request comes.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._window = 0
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, client: str, count: int) -> bool:
        """Count so many for the client, and return True; False where it would then have more than its share."""
        window = int(self._clock() // WINDOW_S)
        with self._lock:
            if window != self._window:
                self._window = window
                self._taken.clear()
            if self._taken[client] + count > self.most:
                return False
            self._taken[client] += count
            return True

    def renewed_in_s(self) -> int:
        """Return the seconds until the next minute, 1 to 60."""
        return math.ceil(WINDOW_S - self._clock() % WINDOW_S)
