"""The command line as a person calls it: `quill`, from a folder of theirs."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.services.process import Process
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e

QUILL = Path(__file__).resolve().parents[2] / "quill"


def test_it_takes_no_module_from_the_folder_that_it_is_called_from(quill: Quill, tmp_path: Path) -> None:
    for module in ("web/__init__.py", "json.py"):
        file = tmp_path / module
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise SystemExit('this folder has a say')\n")
    watch = [QUILL, "watch", "--address", quill.address, "--times", "1"]
    told = subprocess.run(watch, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    assert "1 worker" in told.stdout


def test_output_that_cannot_be_written_is_told_in_one_line(quill: Quill) -> None:
    watch = [QUILL, "watch", "--address", quill.address, "--times", "1"]
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(watch, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (1, "quill: [Errno 28] No space left on device\n")


def test_ctrl_c_ends_it_without_a_traceback_while_it_still_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = Process("quill", [str(QUILL), "watch", "--address", address], tmp_path / "log")
        maps = Path(f"/proc/{command.pid}/maps")
        command.wait_until(lambda: "_pydantic_core" in maps.read_text(), "it loads its libraries")
        command.send(signal.SIGINT)
        assert (command.wait(), command.log) == (-signal.SIGINT, "")
