"""Waiting: what is looked for in the store, and how often, while hints are lost."""

import json
import time
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from queue import SimpleQueue
from typing import NoReturn, cast

import pytest
from pydantic import SecretStr
from redis import Redis

from shared.contract import Job, Prediction, State, new_id, now_ms
from shared.queue import DONE_CHANNEL, redis_client
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError
from tests.services.process import wait_until
from tests.services.site import Site
from web.parts import Parts
from web.waiting import LOOK_S, Outcomes, Waiting, gathered

pytestmark = pytest.mark.integration

LONG_S = 10 * LOOK_S


class Kept:
    """As much of a store as waiting asks for; nobody hints at what changes in it."""

    def __init__(self) -> None:
        self.predictions: dict[str, Prediction] = {}
        self.asked: list[Collection[str]] = []
        self.is_away = False

    def get(self, ids: Collection[str]) -> dict[str, Prediction]:
        self.asked.append(ids)
        if self.is_away:
            raise StoreUnavailableError("away")
        return {one: self.predictions[one] for one in ids if one in self.predictions}

    def queued(self) -> str:
        job = Job(new_id(), (bytes(784),), now_ms())
        self.predictions[job.id] = Prediction(job.id, job.pictures, job.accepted_ms)
        return job.id

    def finish(self, prediction_id: str) -> None:
        done = replace(self.predictions[prediction_id], state=State.DONE, digits="7")
        self.predictions[prediction_id] = done


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def waiting(kept: Kept, redis_url: str) -> Waiting:
    return Waiting(cast("Store", kept), redis_client(Settings(redis_url=SecretStr(redis_url))), limit=1)


@pytest.fixture
def expecting(waiting: Waiting) -> Generator[Callable[[str], Outcomes]]:
    with ExitStack() as stack:
        yield lambda prediction_id: stack.enter_context(waiting.expecting(prediction_id))


def test_all_who_wait_are_looked_for_together(kept: Kept, expecting: Callable[[str], Outcomes]) -> None:
    ids = [kept.queued() for _ in range(20)]
    waiters = {one: expecting(one) for one in ids}
    wait_until(lambda: kept.asked, "somebody looked")
    for one in ids:
        kept.finish(one)
    assert all(gathered([one], waiters[one], LONG_S) == {one: kept.predictions[one]} for one in ids)
    assert any(set(asked) == set(ids) for asked in kept.asked)
    assert len(kept.asked) < len(ids)


def test_who_waits_for_what_is_forgotten_is_told(kept: Kept, expecting: Callable[[str], Outcomes]) -> None:
    one = kept.queued()
    outcomes = expecting(one)
    del kept.predictions[one]
    assert gathered([one], outcomes, LONG_S) == {one: None}


def test_what_is_not_kept_yet_is_not_taken_for_forgotten(kept: Kept, expecting: Callable[[str], Outcomes]) -> None:
    one = new_id()
    outcomes = expecting(one)
    wait_until(lambda: kept.asked, "somebody looked")
    assert gathered([one], outcomes, LOOK_S, are_kept=lambda: False) == {}


def test_a_store_that_was_away_is_looked_into_again(kept: Kept, expecting: Callable[[str], Outcomes]) -> None:
    one = kept.queued()
    outcomes = expecting(one)
    kept.is_away = True
    wait_until(lambda: kept.asked, "somebody looked")
    kept.finish(one)
    kept.is_away = False
    assert gathered([one], outcomes, LONG_S) == {one: kept.predictions[one]}


def test_when_waiting_closes_everybody_goes_on_with_what_is_known(kept: Kept, waiting: Waiting) -> None:
    done, open_ = kept.queued(), kept.queued()
    with waiting.expecting(done, open_) as both, waiting.expecting(accepted_late := new_id()) as late:
        kept.finish(done)
        answer = both.get(timeout=LONG_S)
        both.put(answer)
        waiting.close()
        assert gathered([done, open_], both, LONG_S) == {done: kept.predictions[done], open_: None}
        answers = iter([False, True, True])
        assert gathered([accepted_late], late, LONG_S, are_kept=lambda: next(answers)) == {accepted_late: None}
    with waiting.expecting(open_) as outcomes:
        assert gathered([open_], outcomes, LONG_S) == {open_: None}


JUNK = ["no JSON", "7", "[7]", "[[]]", "{}", "[" * 10_000, b"\xff", '["\\ud800"]']


def test_what_a_stranger_hints_drops_no_subscription(waiting: Waiting, redis_url: str) -> None:
    with redis_client(Settings(redis_url=SecretStr(redis_url))) as redis:
        wait_until(lambda: redis.publish(DONE_CHANNEL, '["x"]') and waiting.finished, "it listens")
        for junk in JUNK:
            redis.publish(DONE_CHANNEL, junk)
        redis.publish(DONE_CHANNEL, json.dumps(["x"] * 1000))
    wait_until(lambda: waiting.finished > 1000, "the hint after the junk has come")


class Broken:
    """A Redis that cannot even be asked."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    def pubsub(self, **_: object) -> NoReturn:
        self.asked_s.append(time.monotonic())
        raise UnicodeError("label empty or too long")


def test_what_cannot_be_asked_at_all_is_asked_once_in_a_while_and_told_once(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken()
    Waiting(cast("Store", kept), cast("Redis", broken), limit=1)
    wait_until(lambda: len(broken.asked_s) > 2, "it is asked again")
    assert broken.asked_s[2] - broken.asked_s[0] >= 2 * LOOK_S
    assert caplog.text.count("until hints come again: label empty") == 1  # threads of other tests tell of theirs


def test_who_waits_no_more_leaves_nothing_behind(waiting: Waiting) -> None:
    with waiting.expecting("a", "b"), waiting.expecting("b"):
        pass
    assert not waiting._waiters  # pyright: ignore[reportPrivateUsage] - nothing else tells


class Impatient:
    """Notes how long somebody would wait, and does not."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def expecting(self, *_: str) -> AbstractContextManager[Outcomes]:
        return nullcontext(SimpleQueue())

    def wait(self, _ids: object, _arrivals: object, seconds: float, **_: object) -> dict[str, None]:
        self.seconds.append(seconds)
        return {}


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("wait=1", 1), ('wait="1"', 1), ('respond-async, Wait = "2" ; x', 2), ("wait=1000", 30), ('wait="1', None)],
)
def test_a_client_waits_as_long_as_it_prefers_up_to_30_s(site: Site, prefer: str, seconds: float | None) -> None:
    parts: Parts = site.app.extensions["quill"]
    impatient = Impatient()
    replace(parts, waiting=cast("Waiting", impatient)).install(site.app)
    drawn = site.draw(Prefer=prefer)["id"]
    assert impatient.seconds == ([seconds] if seconds else [])
    site.client.get(f"/api/v1/predictions/{drawn}?wait=1000")
    assert impatient.seconds[-1] == 30
