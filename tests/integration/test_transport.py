"""What Redis has handed to a worker that stops is in its hands or in the queue, and what is none of ours in neither."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty
from typing import Any, cast

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

    def take(self) -> None:
        """Let the reply come in, that of another BRPOP where the first has waited its second in vain."""
        try:
            self.connection.default_channel._brpop_read()
        except Empty:
            self.ask()
            self.connection.default_channel._brpop_read()

    def take_spoiled(self, redis: Redis, odd: dict[str, Any]) -> None:
        """Take the message that waits, then one that differs from it in what is odd."""
        self.take()
        redis.lpush(QUEUE, json.dumps(spoiled(self.taken[0]._raw, odd)))
        self.ask()
        self.take()


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
        worker: Any = celery.WorkController()  # which is never started
        consumer.qos(prefetch_count=worker.consumer.initial_prefetch_count)
        consumer.consume()
        taker = Taker(connection, consumer, taken)
        taker.ask()
        yield taker
        for message in taken:
            message.ack()  # else kombu gives it back at the end, by a connection that it leaves open


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


def test_a_worker_holds_eight_messages_and_asks_for_no_more(
    taker: Taker, submit: Callable[[], None], redis_url: str
) -> None:
    for _ in range(9):
        submit()
    for _ in range(8):
        taker.ask()
        taker.take()
    taker.ask()
    assert not taker.connection.default_channel._in_poll
    began = time.monotonic()
    taker.consumer.cancel()
    assert time.monotonic() - began < Settings().visibility_s / 10  # it has asked for nothing, and waits for nothing
    with Redis.from_url(redis_url) as redis:
        assert (redis.llen(QUEUE), redis.hlen("unacked")) == (1, 8)


def test_what_a_dead_worker_had_comes_back_after_the_visibility_timeout_and_not_before(
    taker: Taker, submit: Callable[[], None], redis_url: str
) -> None:
    submit()
    taker.take()
    look = taker.connection.transport.cycle.maybe_restore_messages  # as each worker does every few seconds
    with Redis.from_url(redis_url) as redis:
        look()
        assert (redis.llen(QUEUE), redis.hlen("unacked")) == (0, 1)
        (tag,) = cast("list[bytes]", redis.zrange("unacked_index", 0, -1))
        redis.zincrby("unacked_index", -Settings().visibility_s, tag)  # so much older
        look()
        assert (redis.llen(QUEUE), redis.hlen("unacked")) == (1, 0)


def test_a_redis_that_hangs_and_a_worker_that_dies_cost_seconds(taker: Taker) -> None:
    channel = taker.connection.default_channel
    told = channel.client.connection_pool.connection_kwargs
    assert (told["socket_timeout"], told["socket_connect_timeout"], told["health_check_interval"]) == (5, 2, 5)
    assert told["socket_keepalive"]
    assert (channel.unacked_restore_interval, channel.unacked_restore_throttle) == (5, 1)
    assert channel.unacked_mutex_expire == 30  # until then nobody else looks for what dead workers held


def test_celery_is_told_what_the_promise_rests_on(celery: Celery) -> None:
    assert celery.conf.task_acks_late  # a message leaves Redis after its answers are durable
    assert celery.conf.accept_content == ["json"]  # never pickle
    assert celery.conf.worker_enable_remote_control is False  # nobody on Redis shuts a worker down


def test_what_flower_and_logs_show_of_a_message_is_never_the_ink(taker: Taker, submit: Callable[[], None]) -> None:
    submit()
    taker.take()
    (message,) = taker.taken
    told = json.dumps([message.headers, message.properties])
    assert "1 jobs, the first" in told
    assert message.payload[0][0]["jobs"][0]["ink"][:20] not in told


ABSENT = "absent"


def spoiled(message: dict[str, Any], odd: dict[str, Any]) -> dict[str, Any]:
    return message | {part: changed(message[part], new) if isinstance(new, dict) else new for part, new in odd.items()}


def changed(whole: dict[str, Any], new: Any) -> dict[str, Any]:
    return {name: value for name, value in (whole | new).items() if value != ABSENT}


def packed(body: str) -> str:
    return b64encode(body.encode()).decode()


@pytest.mark.parametrize(
    "odd",
    [
        {"content-type": "application/x-python-serialize"},
        {"headers": {"task": "celery.backend_cleanup"}},
        {"headers": {"eta": "9999-12-31T23:59:59+00:00"}},
        {"headers": {"expires": "0001-01-01T00:00:00+14:00"}},
        {"headers": {"shadow": {"a": 1}}},
        {"headers": {"chain": [5]}},
        {"headers": {"timelimit": 5}},
        {"headers": {"id": None}},
        {"headers": {"id": ABSENT}},
        {"headers": {"redelivered": "x"}},
        {"headers": {"headers": 5}},
        {"headers": {"update": "x"}},
        {"headers": {"compression": "gzip"}},
        {"headers": {"traceparent": {"a": 1}}},
        {"properties": {"delivery_tag": 5}},
        {"properties": {"delivery_info": 5}},
        {"properties": {"delivery_info": {"exchange": "", "routing_key": "elsewhere"}}},
        {"body": "x"},
        {"body": packed("[[{}], {}, 5]")},
        {"body": packed("[[], {}, {}]")},
        {"body": packed('[{"a": 1}, {}, {}]')},
        {"body": packed('[[{}], {"a": 1}, {}]')},
        {"body": packed('[[{}], {}, {"chain": [5]}]')},
    ],
    ids=str,
)
def test_what_is_not_quite_a_message_of_ours_takes_no_place_in_a_worker(
    taker: Taker, submit: Callable[[], None], redis_url: str, odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Celery would keep it, or do what it asks: eight of them, and a worker takes nothing more."""
    submit()
    with Redis.from_url(redis_url) as redis:
        taker.take_spoiled(redis, odd)
        assert redis.hlen("unacked") == 1  # the first
    assert len(taker.taken) == 1
    assert "it was dropped" in caplog.text


@pytest.mark.parametrize(
    "junk",
    [b"{", b"\xff", b"7", b"[]", b"{}", b"[" * 100_000, b'{"__type__": "decimal", "__value__": "x"}'],
    ids=lambda junk: str(junk[:20]),
)
def test_junk_in_the_queue_is_dropped_and_ends_no_worker(
    taker: Taker, redis_url: str, junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.lpush(QUEUE, junk)
        taker.take()
        assert not redis.llen(QUEUE)
    assert "it was dropped" in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "baggage": "a=b"},  # OpenTelemetry
        {"sentry-trace": "0af7-b7ad-1", "sentry-task-enqueued-time": 1.5, "headers": {"sentry-trace": "0af7-b7ad-1"}},
    ],
    ids=str,
)
def test_what_tracers_add_to_a_message_is_let_through(
    taker: Taker, submit: Callable[[], None], redis_url: str, headers: dict[str, Any]
) -> None:
    submit()
    with Redis.from_url(redis_url) as redis:
        taker.take_spoiled(redis, {"headers": headers})
    assert len(taker.taken) == 2
    assert taker.taken[1].headers.items() >= headers.items()


def test_of_what_is_dropped_the_log_does_not_repeat_a_megabyte(
    taker: Taker, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.lpush(QUEUE, json.dumps({"__type__": "datetime", "__value__": "x" * 1_000_000}))
        taker.take()
    assert "it was dropped" in caplog.text
    assert len(caplog.text) < 1000
