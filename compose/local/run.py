"""Runs the whole pipeline on one machine under supervisord; `make run` calls it.

It checks what the processes need, starts supervisord.conf, tells the addresses once they answer, and sees to it
that nothing is left running.
"""

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO
from urllib.request import ProxyHandler, build_opener

from compose.local.checks import CannotRunError, check_ports, check_workers, make_folder, only_one_in, redis_server
from shared.listening import PortError
from shared.model_file import ModelError, proved
from shared.settings import Settings, SettingsError

CONFIGURATION = Path(__file__).with_name("supervisord.conf")
DATA = Path("var")
LOGS = DATA / "log"
SLOW_S = 60  # a start that takes longer is told
LOOK_S = 1
PR_SET_PDEATHSIG = 1
HERE = build_opener(ProxyHandler({}))  # past the proxy that http_proxy may name


def main() -> int:
    """Run the pipeline until a signal or supervisord's end; return the exit code."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a script's `&` lets the first be ignored
        signal.signal(number, signal.default_int_handler)
    try:
        with only_one_in(DATA):
            return _run(_environment(options), options)
    except (CannotRunError, ModelError, PortError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description="Run the whole pipeline on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="the page's")
    parser.add_argument("--flower-port", type=int, default=5555)
    parser.add_argument("--redis-port", type=int, default=6379, help="unused when QUILL_REDIS_URL names a Redis")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """Return supervisord's environment: what its configuration names, and Quill's settings."""
    settings = Settings.from_env()
    proved(settings.model, settings.runtime)  # the workers do so, too, and tell it only to their logs
    check_workers(options.workers)
    redis_here = "redis_url" not in settings.model_fields_set
    ports = {"PORT": options.port, "FLOWER_PORT": options.flower_port}
    check_ports(ports | ({"REDIS_PORT": options.redis_port} if redis_here else {}))
    if redis_here:
        os.environ["QUILL_REDIS_URL"] = f"redis://127.0.0.1:{options.redis_port}/0"
    return os.environ | {
        "PYTHON": sys.executable,
        "PORT": str(options.port),
        "FLOWER_PORT": str(options.flower_port),
        "REDIS_HERE": str(redis_here),
        "REDIS_PORT": str(options.redis_port),
        "REDIS_SERVER": redis_server() if redis_here else "unused",
        "WORKERS": str(options.workers),
        "CELERY_BROKER_URL": Settings.from_env().redis_url.get_secret_value(),  # Flower's way to Redis
    }


def _run(environment: dict[str, str], options: argparse.Namespace) -> int:
    for folder in (LOGS, DATA / "redis"):
        make_folder(folder)
    terminal = select.poll()
    if os.isatty(0):  # sys.stdin is None where it is closed
        terminal.register(0, 0)  # asks for nothing, so that only a hang-up is told
    supervisord = subprocess.Popen(  # noqa: S603 - its arguments are ours
        [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(CONFIGURATION)],
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a terminal's Ctrl-C and hang-up reach it through us only
        preexec_fn=_stop_with_parent,  # noqa: PLW1509 - there are no threads yet
    )
    Thread(target=_tell_faults, args=[supervisord.stderr], daemon=True).start()
    try:
        for line in _announcements(options, supervisord):
            _tell(line)
        return _wait(supervisord, terminal)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(supervisord)


def _stop_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _tell_faults(said: IO[bytes]) -> None:
    """Tell each line of supervisord's once, without tracebacks: on a full disk it says one for each line of a log."""
    told: set[bytes] = set()
    for line in said:
        if line.startswith((b" ", b"\n", b"Traceback ", b"During handling ")) or line in told:
            continue
        told.add(line)
        _tell(f"supervisord: {line.decode(errors='replace').rstrip()}")


def _announcements(options: argparse.Namespace, supervisord: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield a line for each address once it answers, and one when that takes long."""
    page, flower = (f"http://127.0.0.1:{port}/" for port in (options.port, options.flower_port))
    waiting = {f"{flower}healthcheck": f"Flower is at {flower}", f"{page}readyz": f"Draw at {page}"}
    slow = time.monotonic() + SLOW_S
    while waiting and supervisord.poll() is None:
        for address in [address for address in waiting if _answers(address)]:
            yield waiting.pop(address)
        if time.monotonic() > slow:
            slow = float("inf")
            yield f"This takes long; {LOGS}/ tells why."
        time.sleep(0.2)
    yield f"Logs are in {LOGS}/. Ctrl-C stops everything."


def _wait(supervisord: subprocess.Popen[bytes], terminal: select.poll) -> int:
    """Return supervisord's exit code once it ends.

    Raises:
        KeyboardInterrupt: the terminal is gone. Where make leads the terminal's session, as under `ssh -t`, the kernel
            tells only make, which then waits for us.
    """
    while supervisord.poll() is None:
        if terminal.poll(1000 * LOOK_S):
            raise KeyboardInterrupt
    return supervisord.returncode


def _answers(address: str) -> bool:
    try:
        with HERE.open(address, timeout=5):
            return True
    except OSError:  # refused, or an HTTP status that says no
        return False


def _stop(supervisord: subprocess.Popen[bytes]) -> None:
    """Stop in peace; after a second Ctrl-C, or supervisord's end, kill what is left of its session."""
    try:
        if supervisord.poll() is None:
            _tell("Stopping; Ctrl-C again kills.")
            supervisord.terminate()
            supervisord.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for process in _session(supervisord.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        supervisord.wait()


def _session(leader: int) -> list[int]:
    """Return the processes in the leader's session, where /proc tells."""
    members: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(entry.name)) == leader:
                members.append(int(entry.name))
    return members


def _tell(line: str) -> None:
    with suppress(OSError):  # nobody is left to read it: the terminal is closed, or Ctrl-C has ended a `| tee` first
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
