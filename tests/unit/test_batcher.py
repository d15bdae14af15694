"""Batches form by themselves: alone when idle, together when busy, never above the limit."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from shared.batcher import Batcher

DEADLINE_S = 10


class Gate:
    """A handler that lets a test see each batch begin and decides when it goes on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, items: list[int]) -> Sequence[int]:
        self.batches.append(items)
        self.began.release()
        assert self.go_on.acquire(timeout=DEADLINE_S)
        return [-item for item in items]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def batcher(gate: Gate) -> Iterator[Batcher[int, int]]:
    batcher = Batcher(gate, limit=4, name="test")
    yield batcher
    gate.go_on.release(100)
    batcher.close()


def test_a_lone_item_is_a_batch_at_once(gate: Gate, batcher: Batcher[int, int]) -> None:
    gate.go_on.release()
    assert batcher.put([1]).result(DEADLINE_S) == [-1]
    assert gate.batches == [[1]]


def test_what_gathers_while_a_batch_is_busy_is_the_next_batch(gate: Gate, batcher: Batcher[int, int]) -> None:
    batcher.put([1])
    assert gate.began.acquire(timeout=DEADLINE_S)
    waiting = [batcher.put([2]), batcher.put([3, 4])]
    gate.go_on.release(2)
    assert [future.result(DEADLINE_S) for future in waiting] == [[-2], [-3, -4]]
    assert gate.batches == [[1], [2, 3, 4]]


def test_a_batch_stays_within_the_limit_and_loses_nothing(gate: Gate, batcher: Batcher[int, int]) -> None:
    batcher.put([0])
    assert gate.began.acquire(timeout=DEADLINE_S)
    waiting = [batcher.put([item, item]) for item in range(1, 6)]
    gate.go_on.release(10)
    assert [future.result(DEADLINE_S) for future in waiting] == [[-item, -item] for item in range(1, 6)]
    assert gate.batches == [[0], [1, 1, 2, 2], [3, 3, 4, 4], [5, 5]]


def test_a_group_larger_than_the_limit_goes_alone(gate: Gate, batcher: Batcher[int, int]) -> None:
    gate.go_on.release(2)
    assert batcher.put(list(range(9))).result(DEADLINE_S) == [-item for item in range(9)]


@pytest.mark.parametrize("error", [ValueError(), MemoryError(), SystemExit()])
def test_whoever_waits_gets_the_error_and_the_thread_lives_on(error: BaseException) -> None:
    def fail_once(items: list[int]) -> list[int]:
        if items == [1]:
            raise error
        return items

    batcher = Batcher(fail_once, limit=4, name="test")
    with pytest.raises(type(error)):
        batcher.put([1]).result(DEADLINE_S)
    assert batcher.put([2]).result(DEADLINE_S) == [2]
    batcher.close()


def test_an_error_reaches_every_group_of_its_batch(gate: Gate) -> None:
    def fail(items: list[int]) -> Sequence[int]:
        if gate(items) == [0]:
            return items
        raise ValueError

    batcher = Batcher(fail, limit=4, name="test")
    batcher.put([0])
    assert gate.began.acquire(timeout=DEADLINE_S)
    waiting = [batcher.put([1]), batcher.put([2])]
    gate.go_on.release(2)
    assert [type(future.exception(DEADLINE_S)) for future in waiting] == [ValueError] * 2
    batcher.close()


def test_closing_finishes_what_waits(gate: Gate) -> None:
    batcher = Batcher(gate, limit=4, name="test")
    waiting = [batcher.put([item]) for item in range(3)]
    gate.go_on.release(3)
    batcher.close()
    assert [future.result(0) for future in waiting] == [[0], [-1], [-2]]
