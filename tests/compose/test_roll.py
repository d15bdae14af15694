"""Workers are replaced by ones that work, or stay; a stand-in for Docker notes what it is told."""

import os
import subprocess
from pathlib import Path

import pytest

DOCKER = """#!/bin/sh
echo "$*" >> told
case "$*" in
  "compose ps --quiet worker") cat running ;;
  "compose ps --all --quiet worker") cat running; echo new ;;
  "compose rm --force worker") rm -f stopped ;;
  "compose up "*) test ! -e stopped || echo "start stopped" >> told; test ! -e broken ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (tmp_path / "running").write_text("a\nb\n")
    return tmp_path


def roll(folder: Path) -> tuple[int, list[str]]:
    """Return the exit status, and what Docker was told to do to single containers."""
    environ = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    status = subprocess.call(["/bin/sh", Path("compose/roll.sh").resolve()], cwd=folder, env=environ)
    return status, [line for line in (folder / "told").read_text().splitlines() if not line.startswith("compose")]


def test_the_old_workers_go_when_the_new_ones_work(folder: Path) -> None:
    assert roll(folder) == (0, ["stop a b", "rm a b"])


def test_new_workers_that_do_not_get_to_work_are_removed_and_the_old_ones_stay(folder: Path) -> None:
    (folder / "broken").touch()
    assert roll(folder) == (1, ["logs --tail 3 new", "rm --force new"])


def test_a_stopped_worker_of_the_old_image_does_not_come_back_as_a_new_one(folder: Path) -> None:
    (folder / "stopped").touch()
    assert roll(folder) == (0, ["stop a b", "rm a b"])


def test_where_no_worker_runs_nothing_is_done(folder: Path) -> None:
    (folder / "running").write_text("")
    assert roll(folder) == (1, [])
