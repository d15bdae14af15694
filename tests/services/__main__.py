"""Sees to the programs that tests need: installs them where it may (Debian, root), else tells how they are had."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from tests.services import cassandra
from tests.services.chromium import chromium_path


@dataclass(frozen=True, slots=True)
class Need:
    """A program, and the Debian package that brings it."""

    present: bool
    package: str


def main() -> int:
    """Return 0 once every program is there; tell in one line what to do where that needs a person."""
    needs = [
        Need(chromium_path() is not None, "chromium"),
        Need(_has("java"), "default-jre-headless"),
        Need(_has("mvn"), "maven"),
        Need(shutil.which("redis-server") is not None, "redis-server"),
        Need(shutil.which("promtool") is not None, "prometheus"),
    ]
    packages = [need.package for need in needs if not need.present]
    if not packages:
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        return _install(packages)
    tests = "fail" if os.environ.get("CI") else "are skipped"
    sys.stderr.write(
        f"Some tests {tests}, for want of: {', '.join(packages)}. As root: apt install {' '.join(packages)}\n"
    )
    return 0


def _has(program: str) -> bool:
    """Tell whether the program is there, or not needed because a Cassandra runs already."""
    return cassandra.RUNNING is not None or shutil.which(program) is not None


def _install(packages: list[str]) -> int:
    sys.stdout.write(f"Installing what the tests need: {', '.join(packages)}\n")
    sys.stdout.flush()
    options = ["-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=600"]
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["apt-get", "-qq", *options, *step], env=environ, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.stderr.write(f"apt-get {' '.join(step)} failed; its words are above\n")
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
