"""When a worker passes as one that has stopped taking messages, and ends itself."""

import time
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from shared.queue import redis_client
from shared.settings import Settings
from tests.services.process import free_port
from worker.watch import LoopTick, Watch

pytestmark = pytest.mark.integration


def test_a_worker_is_stalled_while_it_runs_and_redis_answers_and_its_loop_does_not_turn(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago_s = time.monotonic() - 1000
    watch: Any = Watch(redis, lambda: 0.0, dict)
    step: Any = LoopTick
    monkeypatch.setattr(step, "last_s", long_ago_s)
    assert watch._stalled_s() == 0  # nobody knows yet whether Redis answers
    watch._tell("w")
    watch._woken_s = long_ago_s
    assert watch._stalled_s() < 500  # Redis has answered for a moment only
    watch._redis_since_s = long_ago_s
    watch._tell("w")
    assert watch._stalled_s() >= 1000
    watch._woken_s = time.monotonic()
    assert watch._stalled_s() < 500
    watch._woken_s = long_ago_s
    step._tick()
    assert watch._stalled_s() < 500
    LoopTick.last_s = long_ago_s
    watch._redis = redis_client(Settings(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0")))
    watch._tell("w")
    assert watch._stalled_s() == 0
    watch._redis = redis
    watch._tell("w")
    assert watch._stalled_s() < 500


def test_what_was_not_started_can_be_stopped() -> None:
    """Redis went away while the worker's steps were starting: Celery stops them all, and logs a step that raises."""
    LoopTick(None).stop(None)
