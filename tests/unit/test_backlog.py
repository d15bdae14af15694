"""The backlog: measured again and again, whatever the store does, and nobody who asks waits for it."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from shared.contract import PICTURE_BYTES, Job, new_id
from shared.store import Store, StoreUnavailableError
from tests.services.process import wait_until
from web.backlog import Backlog


class Kept:
    """As much of a store as is measured; it may be slow, and fail."""

    def __init__(self) -> None:
        self.count = 3
        self.fault: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ping(self) -> None:
        pass

    def backlog(self) -> int:
        self.may_answer.wait()
        if self.fault:
            raise self.fault
        return self.count

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        return [Job(new_id(), (bytes(PICTURE_BYTES),), 7)]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def backlog(kept: Kept) -> Iterator[Backlog]:
    with closing(Backlog(cast("Store", kept), lambda: 0)) as backlog:
        yield backlog
        kept.may_answer.set()


def test_it_is_measured_again_and_again(kept: Kept, backlog: Backlog) -> None:
    wait_until(lambda: backlog.now().count == 3, "it is measured")
    assert (backlog.now().oldest_ms, backlog.now().store) == (7, "ok")
    kept.count = 0
    wait_until(lambda: backlog.now().count == 0, "it is measured again")
    assert backlog.now().oldest_ms is None


def test_nobody_who_asks_waits_for_the_store(kept: Kept, backlog: Backlog) -> None:
    backlog.measure()
    kept.may_answer.clear()
    kept.count = 5
    assert backlog.now().count == 3


@pytest.mark.parametrize("fault", [StoreUnavailableError("away"), ZeroDivisionError("a mistake")])
def test_what_fails_is_told_and_measured_again(kept: Kept, backlog: Backlog, fault: Exception) -> None:
    kept.fault = fault
    wait_until(lambda: backlog.now().store not in {"ok", "not asked yet"}, "it is told")
    assert backlog.now().count is None
    kept.fault = None
    wait_until(lambda: backlog.now().count == 3, "it is measured again")
