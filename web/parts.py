"""The parts that the routes of one application call."""

from dataclasses import dataclass

from flask import Flask, current_app
from redis import Redis

from shared.reading import Read
from shared.settings import Settings
from shared.store import Store
from web.admission import Admission
from web.backlog import Backlog
from web.intake import Intake
from web.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Parts:
    """Put together by create_app, found again by parts()."""

    settings: Settings
    store: Store
    redis: Redis
    read: Read
    intake: Intake
    waiting: Waiting
    backlog: Backlog
    admission: Admission

    def install(self, app: Flask) -> None:
        """Let the routes of the application find these parts."""
        app.extensions["quill"] = self


def parts() -> Parts:
    """Return the parts of the application that handles the present request."""
    return current_app.extensions["quill"]
