"""The backlog: measured again and again, whatever the store does, and nobody who asks waits for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from shared.contract import PICTURE_BYTES, Job, new_id
from shared.store import Store, StoreUnavailableError
from tests.services.process import wait_until
from web.backlog import PERIOD_S, Backlog, Measure


class Kept:
    """As much of a store as is measured; it may be slow, and fail."""

    def __init__(self) -> None:
        self.count = 3
        self.fault: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked_s: list[float] = []

    def ping(self) -> None:
        pass

    def backlog(self) -> int:
        self.asked_s.append(time.monotonic())
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
    with closing(Backlog(cast("Store", kept), lambda: 100)) as backlog:
        yield backlog
        kept.may_answer.set()


def test_it_is_measured_again_and_again(kept: Kept, backlog: Backlog) -> None:
    wait_until(lambda: backlog.now().count == 3, "it is measured")
    assert backlog.now() == Measure(count=3, oldest_ms=7, rate_per_s=0.0, store="ok")  # nothing was finished since
    kept.count = 0
    wait_until(lambda: backlog.now().count == 0, "it is measured again")
    assert backlog.now().oldest_ms is None
    assert kept.asked_s[1] - kept.asked_s[0] >= PERIOD_S  # each time costs the store a query


def test_nobody_who_asks_waits_for_the_store(kept: Kept, backlog: Backlog) -> None:
    backlog.measure()
    kept.may_answer.clear()
    kept.count = 5
    assert backlog.now().count == 3


@pytest.mark.parametrize("fault", [StoreUnavailableError("away"), ZeroDivisionError("a mistake")])
def test_what_fails_is_told_and_measured_again(
    kept: Kept, backlog: Backlog, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    kept.fault = fault
    wait_until(lambda: backlog.now().store not in {"ok", "not asked yet"}, "it is told")
    assert backlog.now().count is None
    assert ("a mistake" in caplog.text) == ("web's log" in backlog.now().store) == isinstance(fault, ZeroDivisionError)
    kept.fault = None
    wait_until(lambda: backlog.now().count == 3, "it is measured again")
