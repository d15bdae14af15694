"""What Flower is told of the tasks, in fewer words to Redis."""

from typing import Any

from celery import bootsteps

PERIOD_S = 1.0


class EventsTogether(bootsteps.StartStopStep):
    """Sends the events of a second in one message.

    Celery sends each of a task's three by itself as soon as its loop is free: a third of the loop's time, taken while
    the task itself is under way.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)
    entry: Any = None  # of the timer, once started

    def start(self, parent: Any) -> None:
        """Let the dispatcher of this connection gather, up to its own limit of 24 events."""
        parent.event_dispatcher.on_send_buffered = None
        self.entry = parent.timer.call_repeatedly(PERIOD_S, parent.event_dispatcher.flush)

    def stop(self, parent: Any) -> None:
        """Send the rest, and the last events as Celery does: nothing turns the timer of a worker that finishes.

        A connection lost while the steps start stops all of them, also those that have not begun.
        """
        if self.entry is None:
            return
        self.entry.cancel()
        parent.event_dispatcher.on_send_buffered = parent.on_send_event_buffered
        parent.on_send_event_buffered()
