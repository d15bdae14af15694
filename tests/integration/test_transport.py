"""What Redis has handed to a worker that stops is in the worker's hands or in the queue, never in between."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest
from celery import Celery
from pydantic import SecretStr
from redis import Redis

from shared.contract import PICTURE_BYTES, QUEUE, Job, new_id, now_ms
from shared.queue import make_celery, submitter
from shared.settings import Settings
from tests.services.process import wait_until

pytestmark = pytest.mark.integration


@dataclass
class Taker:
    """A connection that consumes as a Celery worker does, its event loop turned by hand.

    Attributes:
        taken: the messages that have reached it.
    """

    connection: Any
    consumer: Any
    taken: list[Any]

    def ask(self) -> None:
        """Send Redis the BRPOP whose reply is still to come."""
        self.connection.transport.cycle.on_poll_start()


@pytest.fixture
def celery(redis_url: str) -> Celery:
    return make_celery(Settings(redis_url=SecretStr(redis_url)))


@pytest.fixture
def submit(celery: Celery) -> Callable[[], None]:
    return lambda: submitter(celery)([Job(new_id(), (bytes(PICTURE_BYTES - 1) + b"1",), now_ms())])


@pytest.fixture
def taker(celery: Celery) -> Generator[Taker]:
    with celery.connection_for_read() as connection:
        taken: list[Any] = []
        amqp: Any = celery.amqp  # its annotations ask for a channel where Celery itself gives a connection
        consumer = amqp.TaskConsumer(connection)
        consumer.on_message = taken.append
        consumer.consume()
        taker = Taker(connection, consumer, taken)
        taker.ask()
        yield taker


def test_what_redis_has_handed_out_before_the_stop_reaches_the_worker(
    taker: Taker, submit: Callable[[], None], redis_url: str
) -> None:
    submit()
    with Redis.from_url(redis_url) as redis:
        wait_until(lambda: not redis.llen(QUEUE), "Redis has handed it out")
        taker.consumer.cancel()
        assert len(taker.taken) == 1
        assert redis.hlen("unacked") == 1  # it comes back, should the worker be killed now


def test_after_the_stop_redis_hands_out_nothing(taker: Taker, submit: Callable[[], None], redis_url: str) -> None:
    taker.consumer.cancel()
    submit()
    with Redis.from_url(redis_url) as redis:
        assert redis.llen(QUEUE) == 1
    assert not taker.taken


def test_a_worker_stops_even_if_redis_went_away(taker: Taker) -> None:
    taker.connection.default_channel.client.connection._sock.close()
    taker.consumer.cancel()
    assert not taker.connection.default_channel._consumers
