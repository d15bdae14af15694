"""How fast a count grows."""

import time

WINDOW_S = 10.0


class Rate:
    """The growth a second of a count, over the last ten seconds; whoever looks tells the count."""

    def __init__(self) -> None:
        self._looks: list[tuple[float, int]] = []  # seconds, count

    def per_s(self, count: int) -> float:
        """Return how much the count has grown a second since a look about ten seconds ago; 0 at the first look."""
        now = time.monotonic()
        self._looks.append((now, count))
        while self._looks[1:] and now - self._looks[1][0] >= WINDOW_S:
            del self._looks[0]
        since, then = self._looks[0]
        return (count - then) / (now - since) if now > since else 0.0
