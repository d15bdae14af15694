"""The application in Granian's processes."""

import multiprocessing
import os
import signal
import socket
import threading

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from shared import logs
from shared.settings import Settings
from web.app import create_app
from web.parts import parts
from web.slow_bodies import CROWD
from web.waiting import Waiting

# Beside those that may be waiting: they take new drawings, and slow bodies of one address hold no more than half.
DOOR_THREADS = 2 * CROWD
HEAD_BYTES = 16 * 1024  # of a request's head; a larger one is answered with 431


def serve(settings: Settings, address: str, port: int, processes: int) -> None:
    """Serve until SIGTERM, each process on a part of the requests."""
    threads = settings.waiting_limit + DOOR_THREADS
    Granian(
        "web",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # to find out which it is, Granian would wait without end for a client that says nothing
        address=address,
        port=port,
        workers=processes,
        log_dictconfig=logs.CONFIGURATION,
        blocking_threads=threads,
        backpressure=4 * threads,  # connections of a process; else 1024 by all, and those who wait shut others out
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=HEAD_BYTES),
    ).serve(target_loader=_load)


def _load(_: str) -> Flask:
    """Return what one of Granian's processes serves, and let that process end with the one that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create_app()
    with app.app_context():
        _close_at_a_signal(parts().waiting)
    return app


def _close_at_a_signal(waiting: Waiting) -> None:
    """End all waiting when Granian is told to stop: it waits for every answer that it owes.

    Its own handlers take the signal; Python writes the number of each into this socket, too.
    """
    told, tell = socket.socketpair()
    tell.setblocking(False)
    signal.set_wakeup_fd(tell.detach())

    def listen() -> None:
        while number := told.recv(1):
            if number[0] in {signal.SIGTERM, signal.SIGINT}:
                waiting.close()

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _end_with_parent() -> None:
    """Leave the port to the next web server, which would find it taken: what is accepted lies in the store."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
