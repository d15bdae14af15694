"""kombu's Redis transport, except that what is no message does not end the worker that takes it."""

import logging
from typing import Any

from kombu.transport import redis

log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Drops what cannot be read: kombu raises into Celery's event loop, which ends the process."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - kombu is untyped
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            log.error("what somebody put into the queue is no message, it was dropped: %r", error)  # noqa: TRY400 - as in task
            return True


class Transport(redis.Transport):
    """The transport that Worker names to Celery."""

    Channel = Channel
