"""Logs: whatever goes through logging becomes one JSON object a line on standard error."""

import json
import logging.config
from collections.abc import MutableMapping
from typing import Any, cast

from structlog.processors import TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "shared.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        # Two lines a message, where Quill has one a job.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # A trace every second while no node is there; StoreUnavailableError carries the reason to our own line.
        "cassandra": {"level": "CRITICAL"},
    },
}


def configure() -> None:
    """Log like this from now on; called where a process is put together, never at import."""
    logging.config.dictConfig(CONFIGURATION)


def formatter() -> logging.Formatter:
    """Return what makes the line: time, level, logger, event, and the names given as `extra` (`each` makes many)."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            TimeStamper("iso", key="time"),
            add_log_level,
            add_logger_name,
            ExtraAdder(),
            format_exc_info,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, _lines],
    )


def _lines(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """Return a line, or a line for each of the dictionaries given as `each`: made and written in one go."""
    each = cast("list[dict[str, Any]]", event.pop("each", [{}]))
    return "\n".join(json.dumps({**event, **one}, default=repr) for one in each)
