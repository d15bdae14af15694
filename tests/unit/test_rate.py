"""The rate: of the last seconds, whatever was before."""

from shared.rate import WINDOW_S, Rate


class Looks:
    """A rate, and the clock that it looks at."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._rate = Rate(clock=lambda: self._now_s)

    def after(self, seconds: float, count: int) -> float:
        self._now_s += seconds
        return self._rate.per_s(count)


def test_the_rate_is_the_growth_a_second_over_the_window() -> None:
    looks = Looks()
    assert looks.after(0, 100) == 0
    assert looks.after(1, 150) == 50
    assert [looks.after(1, 150) for _ in range(9)] == [50 / seconds for seconds in range(2, 11)]
    assert looks.after(WINDOW_S, 200) == 5


def test_a_time_without_looks_is_no_part_of_the_rate() -> None:
    looks = Looks()
    looks.after(0, 0)
    assert looks.after(3 * WINDOW_S, 9000) == 0
    assert looks.after(1, 9010) == 10
