"""A program started by a test: in a group of its own, its output in a file, gone at the end whatever happens."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
STOP_S = 90  # longer than any of our programs takes to stop in peace; a starved worker once took 41 s


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], T], what: str, seconds: float = 30) -> T:
    """Return the condition's first true value; fail with what was waited for when the seconds are over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


class Process:
    """A running program.

    Attributes:
        name: what its log is called in the report of a failed test.
        pid: the leader's, and its group's.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        self._printed = 0
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environ, start_new_session=True
            )
        self.pid = self._popen.pid

    @property
    def log(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when one killed it."""
        return self._popen.poll()

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait for what this process is to bring about.

        Its end and the deadline fail the test with its log's end; it is killed then, since nobody else may know of it.
        """
        try:
            wait_until(lambda: self.exit_code is not None or condition(), what, seconds)
            assert self.exit_code is None, f"{self.name} ended with {self.exit_code}"
        except AssertionError as error:
            self.kill()
            error.add_note(f"The log of {self.name} ends:\n{self.log[-2000:]}")
            raise

    def send(self, number: signal.Signals) -> None:
        """Send the leader a signal."""
        self._popen.send_signal(number)

    def wait(self, seconds: float = STOP_S) -> int:
        """Return the exit code once the leader has ended."""
        return self._popen.wait(seconds)

    def kill(self) -> None:
        """Kill the whole group at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Stop it in peace, and kill what is left of the group; pytest shows its log if the test failed."""
        try:
            self._popen.terminate()
            self.wait()
        finally:
            self.kill()
            self.print_log()

    def print_log(self) -> None:
        """Print what was written since the last call, for pytest to show beside a failed test; others have the file."""
        if "PYTEST_CURRENT_TEST" in os.environ:
            sys.stdout.write(f"--- {self.name}, process {self.pid}\n{self.log[self._printed :]}\n")
            self._printed = len(self.log)
