"""Reads drawings in a process of its own, whatever has gathered in one go.

NumPy releases the interpreter's lock in each of the dozens of calls that a drawing takes. In a busy web process each
release wakes another thread for nothing, which cost more than the reading itself. And PNGs from anybody are the one
thing that might break a process: this one holds nothing.
"""

import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection, Pipe

from shared.bad_image import BadImageError
from shared.batcher import Batcher

log = logging.getLogger(__name__)

Pictures = tuple[bytes, ...]  # of one drawing, left to right, as in shared.contract.Job
Reading = Future[list[Pictures | BadImageError]]  # what each of some PNGs shows, in their order
Read = Callable[[Sequence[bytes]], Reading]

START_S = 30  # for a process to be ready, on a busy machine
STUCK_S = 5  # for one go of a process that is ready; one that takes longer is given up
TOGETHER = 32  # drawings in one go: half of 64 users' are read while the other half is with the worker
# glibc would give each drawing's arrays back to the kernel, which clears their pages anew for the next one: a third of
# the process's time. So arrays of up to 4 MB are kept, and 8 MB of memory that is free (mallopt(3)).
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20), "MALLOC_TRIM_THRESHOLD_": str(8 << 20)}


class Reader:
    """Hands drawings to the process that reads them, and starts another one when it ends or is stuck."""

    def __init__(self, *, stuck_s: int = STUCK_S) -> None:
        self._stuck_s = stuck_s
        self._start()
        self._waiting: Batcher[bytes, Pictures | BadImageError] = Batcher(self._read, limit=TOGETHER, name="reader")

    def read(self, pngs: Sequence[bytes]) -> Reading:
        """Return the future pictures, or what is wrong, of each drawing; more than TOGETHER keep others waiting."""
        return self._waiting.put(pngs)

    def close(self) -> None:
        """Finish what waits, then end the process."""
        self._waiting.close()
        self._end()

    @property
    def pid(self) -> int:
        """The id of the process that reads now."""
        return self._process.pid

    def _read(self, pngs: list[bytes]) -> list[Pictures | BadImageError]:
        try:
            return self._ask(pngs)
        except (EOFError, OSError):
            log.error("the process that reads drawings ended, or was stuck, over %d of them", len(pngs))  # noqa: TRY400 - it told why
            self._start_anew()
            return [self._read_alone(png) for png in pngs]

    def _read_alone(self, png: bytes) -> Pictures | BadImageError:
        """Read one of the drawings over which the process ended; the guilty one ends it again.

        Raises:
            EOFError, OSError: when no process gets as far as to read, which is no drawing's fault.
        """
        try:
            return self._ask([png])[0]
        except (EOFError, OSError):
            was_ready = self._is_ready
            self._start_anew()
            if not was_ready:
                raise
            return BadImageError("undecodable-image", "reading the PNG failed twice: send another one")

    def _ask(self, pngs: list[bytes]) -> list[Pictures | BadImageError]:
        if not self._is_ready:
            self._is_ready = self._pipe.recv()
            _limit(self._pipe, self._stuck_s)
        self._pipe.send(pngs)
        return self._pipe.recv()

    def _start_anew(self) -> None:
        self._end()
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        self._is_ready = False
        _limit(self._pipe, START_S)
        with theirs:
            command = [sys.executable, "-m", "shared.reader", str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=os.environ | KEPT
            )

    def _end(self) -> None:
        self._pipe.close()
        self._process.kill()  # it holds nothing, and stuck it would not end by itself
        self._process.wait()


def _limit(pipe: Connection, seconds: int) -> None:
    """Let sending and receiving raise OSError after so long, by the kernel's own clock: it costs nothing."""
    with socket.socket(fileno=os.dup(pipe.fileno())) as end:
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
