"""What Flower hears of the tasks comes together, and whole."""

import json
from base64 import b64decode
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.asynchronous.timer import Timer
from pydantic import SecretStr
from redis import Redis

from shared.queue import make_celery
from shared.settings import Settings
from worker.events import EventsTogether

pytestmark = pytest.mark.integration

TASK = ["task-received", "task-started", "task-succeeded"]


@pytest.fixture
def consumer(redis_url: str) -> Generator[Any]:
    """Give what the step uses of Celery's consumer."""
    celery: Any = make_celery(Settings(redis_url=SecretStr(redis_url)))
    with celery.connection_for_write() as connection:
        dispatcher = celery.events.Dispatcher(connection, buffer_group=["task"])
        consumer = SimpleNamespace(event_dispatcher=dispatcher, timer=Timer(), on_send_event_buffered=dispatcher.flush)
        dispatcher.on_send_buffered = consumer.on_send_event_buffered
        yield consumer


@pytest.fixture
def flower(redis_url: str) -> Generator[Any]:
    with Redis.from_url(redis_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.psubscribe("*celeryev/task.*")
        channel.get_message(timeout=10)
        yield channel


def heard(flower: Any) -> list[list[str]]:
    """Return what has come since the last call: the types of the events in each message."""
    messages: list[list[str]] = []
    while message := flower.get_message(timeout=0.1):
        events = json.loads(b64decode(json.loads(message["data"])["body"]))
        messages.append([event["type"] for event in events])
    return messages


def test_the_events_of_a_second_travel_in_one_message(consumer: Any, flower: Any) -> None:
    step = EventsTogether(consumer)
    step.start(consumer)
    for event in TASK:
        consumer.event_dispatcher.send(event)
    assert heard(flower) == []
    (second,) = consumer.timer.queue
    second.entry()
    assert heard(flower) == [TASK]


def test_a_worker_that_finishes_sends_what_it_has_gathered_and_then_each_event_at_once(
    consumer: Any, flower: Any
) -> None:
    step = EventsTogether(consumer)
    step.start(consumer)
    for event in TASK[:2]:
        consumer.event_dispatcher.send(event)
    (second,) = consumer.timer.queue
    step.stop(consumer)
    assert second.entry.canceled  # else each lost connection would leave one that turns for ever
    consumer.event_dispatcher.send(TASK[2])
    assert heard(flower) == [TASK[:2], TASK[2:]]


def test_what_was_not_started_can_be_stopped(consumer: Any, flower: Any) -> None:
    """Redis went away while the worker's steps were starting: Celery stops them all, and logs a step that raises."""
    EventsTogether(consumer).stop(consumer)
    assert heard(flower) == []
