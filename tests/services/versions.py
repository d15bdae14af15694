"""The versions of the real parts, for the head of each test report."""

import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import version

from compose.local.checks import CannotRunError, redis_server
from tests.services.chromium import chromium_path

PACKAGES = ("celery", "keras", "tensorflow-cpu", "cassandra-driver", "playwright")


def line() -> str:
    """Return the versions of what tests run on, in one line."""
    programs: list[str | None] = [chromium_path(), shutil.which("java")]
    with suppress(CannotRunError):
        programs.append(redis_server())
    told = [_first_line(program) for program in programs if program]
    return "real parts: " + ", ".join([*(f"{name} {version(name)}" for name in PACKAGES), *told])


def _first_line(program: str) -> str:
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    return run.stdout.partition("\n")[0].strip()
