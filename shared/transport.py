"""kombu's Redis transport, mended: a worker that stops leaves no message in between, and junk does not end one."""

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from queue import Empty
from typing import Any

from celery.app.task import Context
from kombu.exceptions import DecodeError
from kombu.transport import redis

from shared.contract import CLASSIFY, QUEUE
from shared.queue import SUBMITTED_HEADER

log = logging.getLogger(__name__)

FORM = ("application/json", "utf-8", "base64", "", QUEUE)  # how send_task packs a message, and where it sends it
TEXTS = {"lang", "task", "id", "root_id", "argsrepr", "kwargsrepr", "origin"}
NUMBERS = {SUBMITTED_HEADER, "redelivered"}
EMPTY: tuple[tuple[str, object], ...] = (
    ("timelimit", [None, None]),
    ("retries", 0),
    ("replaced_task_nesting", 0),
    ("stamps", {}),
)
# What decoding raises, arithmetic by the numbers that kombu's own JSON knows.
NO_MESSAGE = (DecodeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Message(redis.Channel.Message):
    """A message that the submitter sent, traced or not; any other raises before the channel notes it as taken.

    What Celery stumbles over later is never acknowledged: it holds one of a worker's few slots for ever, and comes
    again. Looking into the body costs nothing: kombu keeps what it has decoded, and Celery asks for it next.
    """

    def __init__(self, payload: dict[str, Any], channel: Any = None, **options: Any) -> None:
        super().__init__(payload, channel=channel, **options)
        if not (_has_our_form(payload) and _is_plain(payload["headers"]) and _is_our_call(self.payload)):
            raise ValueError("it is none of Quill's")


def _has_our_form(payload: dict[str, Any]) -> bool:
    properties = payload["properties"]
    place = properties["delivery_info"]
    packed = (payload["content-type"], payload["content-encoding"], properties["body_encoding"])
    return (*packed, place["exchange"], place["routing_key"]) == FORM and isinstance(properties["delivery_tag"], str)


def _is_plain(headers: dict[str, Any]) -> bool:
    """Tell whether the headers ask for our task and nothing else: no countdown, no time limit, no task to follow."""
    return headers["task"] == CLASSIFY and "id" in headers and all(_is_harmless(*header) for header in headers.items())


def _is_harmless(name: str, value: Any) -> bool:
    if name in TEXTS:
        return isinstance(value, str)
    if name in NUMBERS:
        return isinstance(value, int)
    if not hasattr(Context, name) and name != "compression":  # which kombu knows
        return isinstance(value, str | int | float)  # what Celery does not know it hands on, as a tracer's traceparent
    return value is None or (name, value) in EMPTY or (name == "headers" and isinstance(value, dict))  # Sentry's


def _is_our_call(body: Any) -> bool:
    [_], kwargs, embed = body
    return isinstance(body[0], list) and kwargs == {} and not any(embed.values())


class Channel(redis.Channel):
    """Takes in what Redis has handed out before it stops, and drops what is no message of ours."""

    Message = Message

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Generator[Any]:
        """Lend the one client of this channel's pool; kombu makes a client for each command, which costs 50 us."""
        yield client or self._lent

    @cached_property
    def _lent(self) -> Any:
        return self._create_client()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - kombu is untyped

    def basic_cancel(self, consumer_tag: str) -> Any:
        """Stop taking messages, after the one that the BRPOP under way may bring, within a second.

        kombu leaves that reply in the socket until everything else is finished: a message that Redis has handed out
        and nobody holds, lost if the process is killed meanwhile.
        """
        channel: Any = self  # kombu is untyped
        if channel._in_poll:  # noqa: SLF001 - kombu's own rule for what is under way
            with suppress(Empty, *channel.connection_errors):
                self._brpop_read()
        return super().basic_cancel(consumer_tag)

    def _brpop_read(self, **options: Any) -> Any:
        """Deliver a message; kombu raises what is none into Celery's event loop, which ends the process."""
        try:
            return super()._brpop_read(**options)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - kombu is untyped
        except NO_MESSAGE as error:
            told = "what somebody put into the queue is no message, it was dropped: %s: %.200s"
            log.error(told, type(error).__name__, error)  # noqa: TRY400 - as in task
            return True


class Transport(redis.Transport):
    """The transport that make_celery names to Celery."""

    Channel = Channel
