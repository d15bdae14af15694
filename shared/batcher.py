"""Batches that form by themselves: what gathers while a stage is busy is its next batch. No timer anywhere."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Group(NamedTuple, Generic[T, R]):
    """Items that were put together; they stay together in one batch."""

    items: Sequence[T]
    results: "Future[list[R]]"


class Batcher(Generic[T, R]):
    """Hands what waits to `handle`, batch after batch, in one thread of its own.

    Idle, a lone item is a batch at once; under load batches grow up to `limit` items, and a larger group is a batch by
    itself. `handle` gets a list of items and returns as many results in the same order; when it raises, every group of
    that batch gets the exception.
    """

    def __init__(self, handle: Callable[[list[T]], Sequence[R]], *, limit: int, name: str) -> None:
        self._handle = handle
        self._limit = limit
        self._waiting: SimpleQueue[_Group[T, R] | None] = SimpleQueue()
        self._next: _Group[T, R] | None = None  # taken from the queue, but too large for the batch before it
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, items: Sequence[T], results: "Future[list[R]] | None" = None) -> "Future[list[R]]":
        """Let the items wait for the next batch; the future, yours or a new one, holds their results in their order."""
        group: _Group[T, R] = _Group(items, results or Future())
        self._waiting.put(group)
        return group.results

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            self._finish(batch)

    def _take(self) -> list[_Group[T, R]]:
        """Wait for a group, then take all that have gathered, up to the limit; nothing at the end."""
        group = self._next or self._waiting.get()
        self._next = None
        batch: list[_Group[T, R]] = []
        size = 0
        while group is not None:
            size += len(group.items)
            if batch and size > self._limit:
                self._next = group
                return batch
            batch.append(group)
            try:
                group = self._waiting.get_nowait()
            except Empty:
                return batch
        if batch:
            self._waiting.put(None)  # the end, met while gathering: meet it again after this batch
        return batch

    def _finish(self, batch: list[_Group[T, R]]) -> None:
        try:
            results = self._handle([item for group in batch for item in group.items])
        except BaseException as error:  # noqa: BLE001 - the thread must live; whoever waits decides what it means
            for group in batch:
                group.results.set_exception(error)
            return
        start = 0
        for group in batch:
            group.results.set_result(list(results[start : start + len(group.items)]))
            start += len(group.items)
