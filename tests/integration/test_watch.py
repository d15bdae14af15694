"""When a worker's process has to end: its model hangs, or it takes nothing although Redis answers."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from worker.watch import STALLED_S, STOPPED_S, LoopTick, Watch

pytestmark = pytest.mark.integration

HANG_S = 60.0


class Watched:
    """A process that is looked after, and its clock."""

    def __init__(self, redis: Redis) -> None:
        self.now_s = self.called_s = 1000.0
        self._watch = Watch(redis, lambda: self.now_s - self.called_s, dict, clock=lambda: self.now_s)

    def after(self, seconds: float) -> str | None:
        """Let so much time pass, a look every second; return what the last look found."""
        fault = self._watch.fault("watched", HANG_S)
        for _ in range(round(seconds)):
            self.now_s += 1
            fault = self._watch.fault("watched", HANG_S)
        return fault

    def answers(self) -> None:
        self.called_s = self.now_s

    def turns(self) -> None:
        LoopTick.last_s = self.now_s


@pytest.fixture
def watched(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(LoopTick, "last_s", 0.0)  # long ago
    return Watched(redis)


@pytest.fixture
def refuse(redis: Redis) -> Iterator[Callable[[bool], object]]:
    """Give what lets Redis refuse all writes, as a full one or a replica does, or take them again."""

    def refuse(refused: bool) -> object:
        return redis.config_set("min-replicas-to-write", int(refused))

    yield refuse
    refuse(False)


def test_a_worker_takes_nothing_while_redis_answers_and_its_loop_does_not_turn(watched: Watched) -> None:
    watched.answers()
    assert watched.after(STALLED_S) is None  # it has looked for so long only
    assert "has taken nothing" in str(watched.after(1))


def test_nothing_is_wrong_with_a_worker_whose_loop_turns(watched: Watched) -> None:
    for _ in range(3):
        watched.answers()
        watched.turns()
        assert watched.after(STALLED_S) is None


def test_a_worker_is_not_to_blame_for_a_redis_that_was_away(watched: Watched, refuse: Callable[[bool], object]) -> None:
    watched.after(1)
    refuse(True)
    assert watched.after(STALLED_S + 1) is None
    refuse(False)
    watched.answers()
    assert watched.after(STALLED_S) is None


def test_a_worker_is_not_to_blame_for_the_time_that_it_was_stopped(watched: Watched) -> None:
    watched.after(1)
    watched.now_s += max(STALLED_S, HANG_S, STOPPED_S) + 1
    assert watched.after(STALLED_S) is None


def test_a_model_that_does_not_answer_is_told(watched: Watched) -> None:
    watched.answers()
    for _ in range(2):
        watched.turns()
        assert watched.after(HANG_S / 2) is None
    watched.turns()
    assert "the model has not answered" in str(watched.after(1))


def test_what_was_not_started_can_be_stopped() -> None:
    """Redis went away while the worker's steps were starting: Celery stops them all, and logs a step that raises."""
    LoopTick(None).stop(None)
