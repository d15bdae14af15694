"""Cuts off clients that send a body drop by drop: each holds a thread, and Granian limits only a head's time.

Granian tells an application neither the connection nor the client's port, so whoever is late is found by its address
and by the silence on its connections, as the kernel counts it. That is so on Linux only.
"""

import logging
import os
import socket
import struct
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from web.problems import Problem

log = logging.getLogger(__name__)

PERIOD_S = 1.0
BODY_S = 10.0  # for any body
BYTES_PER_S = 50_000  # beside that: a large body may take as long as it needs at this rate
CROWD = 16  # bodies that one address may send slowly at a time; of more, each has to come within CROWD_S
CROWD_S = 2.0
SOON_S = 0.5  # "100 Continue" is sent a little after the reading has begun
LAST_DATA_SENT = 44  # offset in the kernel's struct tcp_info: milliseconds since data were last sent


@dataclass(eq=False, slots=True)
class _Reading:
    """A body that is being read.

    Attributes:
        ends: the addresses of its connection's ends: the client's, and the server's port.
        limit_s: within which it has to be there.
        late: whether it was given up.
    """

    ends: tuple[str, int]
    began_s: float
    limit_s: float
    late: bool = False


_READINGS: set[_Reading] = set()


@contextmanager
def limited(environ: Mapping[str, Any], length: int) -> Generator[None]:
    """Limit how long the body of a request, of so many bytes, may take to arrive within the block.

    Raises:
        Problem: 408 when it took too long.
    """
    _start_watch()
    direct = environ.get("werkzeug.proxy_fix.orig", environ)  # the connection's own end, not whom a proxy speaks for
    ends = (_plain(direct["REMOTE_ADDR"]), int(direct["SERVER_PORT"]))
    reading = _Reading(ends, time.monotonic(), BODY_S + length / BYTES_PER_S)
    _READINGS.add(reading)
    try:
        yield
    finally:
        _READINGS.discard(reading)
        if reading.late:  # whatever the reader made of a body that ended in the middle
            raise Problem("request-timeout", "The body did not come in time.")


@cache  # once a process, since a process has its sockets for itself
def _start_watch() -> None:
    if sys.platform == "linux":
        threading.Thread(target=_watch, name="slow bodies", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(PERIOD_S)
        try:
            _cut_the_late()
        except Exception:
            log.exception("slow bodies are looked for again later")


def _cut_the_late() -> None:
    now = time.monotonic()
    by_ends = defaultdict[tuple[str, int], list[_Reading]](list)
    for reading in list(_READINGS):
        by_ends[reading.ends].append(reading)
    for ends, readings in by_ends.items():
        slow = [now - one.began_s for one in readings if now - one.began_s > CROWD_S]
        late = slow if len(slow) > CROWD else [now - one.began_s for one in readings if now - one.began_s > one.limit_s]
        if late:
            silent_s = min(late) - SOON_S
            for reading in readings:
                reading.late = now - reading.began_s > silent_s  # as _cut will take it
            cut = _cut(*ends, silent_s=silent_s)
            log.warning("%d bodies did not come in time, %d connections cut off", len(late), cut)


def _cut(address: str, port: int, *, silent_s: float) -> int:
    """Stop reading from the address's connections on which nothing was sent for so long; return how many they are.

    Whoever waits there for an answer for as long, beside late bodies of the same address, loses the connection, too,
    and has to ask again. Answers to the late bodies can still be sent.
    """
    cut = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile, or not connected
            if not descriptor.is_socket():
                continue
            with socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
                if _is_end(connection, address, port) and _silent_s(connection) > silent_s:
                    connection.shutdown(socket.SHUT_RD)
                    cut += 1
    return cut


def _is_end(connection: socket.socket, address: str, port: int) -> bool:
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    return connection.getsockname()[1] == port and _plain(connection.getpeername()[0]) == address


def _silent_s(connection: socket.socket) -> float:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA_SENT + 4)
    return struct.unpack_from("I", info, LAST_DATA_SENT)[0] / 1000


def _plain(address: str) -> str:
    """Return an IPv4 address that came over an IPv6 socket as such."""
    return address.removeprefix("::ffff:")
