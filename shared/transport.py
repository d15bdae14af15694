"""kombu's Redis transport, mended: a worker that stops leaves no message in between, and junk does not end one."""

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from queue import Empty
from typing import Any

from kombu.transport import redis

log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Takes in what Redis has handed out before it stops, and drops what cannot be read."""

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Generator[Any]:
        """Lend the one client of this channel's pool; kombu makes a client for each command, which costs 50 us."""
        yield client or self._lent

    @cached_property
    def _lent(self) -> Any:
        return self._create_client()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - kombu is untyped

    def basic_cancel(self, consumer_tag: str) -> Any:
        """Take nothing more from the queue, after what the BRPOP under way brings, a second later at most.

        kombu leaves its reply in the socket until everything else is finished: a message that Redis has given away and
        nobody has, lost if the process is killed meanwhile.
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
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            log.error("what somebody put into the queue is no message, it was dropped: %r", error)  # noqa: TRY400 - as in task
            return True


class Transport(redis.Transport):
    """The transport that make_celery names to Celery."""

    Channel = Channel
