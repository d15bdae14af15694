"""How fast a count grows."""

import time
from collections.abc import Callable

WINDOW_S = 10.0


class Rate:
    """The growth a second of a count, over the last ten seconds; whoever looks tells the count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: list[tuple[float, int]] = []  # seconds, count

    def per_s(self, count: int) -> float:
        """Return how much the count has grown a second since a look about ten seconds ago; 0 where there is none."""
        now = self._clock()
        self._looks = [look for look in self._looks if now - look[0] < 2 * WINDOW_S]  # a gap says nothing of its end
        self._looks.append((now, count))
        while self._looks[1:] and now - self._looks[1][0] >= WINDOW_S:
            del self._looks[0]
        since, then = self._looks[0]
        return (count - then) / (now - since) if now > since else 0.0
