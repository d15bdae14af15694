"""A worker that must go goes, whatever has become of its output."""

import subprocess
import sys

import pytest

from worker.task import EXIT_RESTART


@pytest.mark.parametrize("spoiled", ["sys.stderr = object()", "sys.stderr.close()", "sys.__stderr__ = object()"])
def test_leaving_ends_the_process_even_if_it_cannot_be_told(spoiled: str) -> None:
    code = f"import sys; {spoiled}; from worker.task import leave; leave('of a test')"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == EXIT_RESTART
