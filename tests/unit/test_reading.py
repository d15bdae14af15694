import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import closing, suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import psutil
import pytest
from PIL import Image

from shared.bad_image import BadImageError
from shared.reader import read_here
from shared.reading import TOGETHER, Reader
from tests.bench.drawings import pngs
from tests.services.pngs import SEVEN, png
from tests.services.process import wait_until

LONG_TO_READ = png(Image.effect_noise((1024, 1024), 100))
ORPHAN = """
import os, signal, sys
from shared.reading import Reader
reader = Reader()
reader.read([b""]).result()
sys.stdout.write(f"{reader.pid}\\n")
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def reader() -> Iterator[Reader]:
    with closing(Reader()) as reader:
        yield reader


def test_drawings_are_read_as_in_this_process(reader: Reader) -> None:
    sevens = [SEVEN] * (2 * TOGETHER + 1)
    assert reader.read(sevens).result() == read_here(sevens)


def test_a_bad_drawing_is_told_in_its_place(reader: Reader) -> None:
    before, bad, after = reader.read([SEVEN, b"no PNG", SEVEN]).result()
    assert before == after == read_here([SEVEN])[0]
    assert isinstance(bad, BadImageError)
    assert (bad.slug, str(bad)) == ("undecodable-image", "these bytes are no PNG: send a whole PNG")


def test_the_process_keeps_its_memory_from_drawing_to_drawing(reader: Reader) -> None:
    drawings = pngs(TOGETHER)
    reader.read(drawings).result()
    before = faults(reader.pid)
    for _ in range(8):
        reader.read(drawings).result()
    assert faults(reader.pid) - before < 8 * TOGETHER  # each of a drawing's large arrays has dozens of pages


def faults(pid: int) -> int:
    """Return how many pages the kernel has given to the process: the tenth field of proc(5)'s stat."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


def test_drawings_survive_the_process_that_read_them(reader: Reader) -> None:
    first = reader.pid
    os.kill(first, signal.SIGSTOP)
    reading = reader.read([SEVEN, SEVEN])
    os.kill(first, signal.SIGKILL)
    assert reading.result(timeout=30) == read_here([SEVEN, SEVEN])
    assert reader.pid != first


def test_where_no_process_can_read_no_drawing_is_blamed(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.read([SEVEN]).result()
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    os.kill(reader.pid, signal.SIGKILL)
    with pytest.raises((EOFError, OSError)):
        reader.read([SEVEN]).result(timeout=30)
    monkeypatch.delenv("PYTHONHOME")
    wait_until(lambda: not reader.read([SEVEN]).exception(timeout=30), "drawings are read again")


@pytest.mark.parametrize("drawing", [SEVEN, SEVEN + bytes(3_000_000)], ids=["small", "larger than the pipe"])
def test_drawings_survive_a_process_that_is_stuck(drawing: bytes) -> None:
    with closing(Reader(stuck_s=1)) as reader:
        reader.read([SEVEN]).result()
        first = reader.pid
        os.kill(first, signal.SIGSTOP)
        assert reader.read([drawing]).result() == read_here([drawing])
        assert reader.pid != first
        assert not psutil.pid_exists(first)


def test_a_drawing_that_ends_its_reader_twice_is_refused_and_the_next_one_read(reader: Reader) -> None:
    def is_blamed_alone() -> bool:
        bad, seven = killed_twice_over(reader, LONG_TO_READ)
        return isinstance(bad, BadImageError) and [seven] == read_here([SEVEN])

    wait_until(is_blamed_alone, "two processes die over it, and it alone is refused")


def killed_twice_over(reader: Reader, png: bytes) -> list[object]:
    """Return what becomes of a drawing and of a seven after it when two processes die, unless one does too late."""
    reading, killed = reader.read([png, SEVEN]), set[int]()
    while not wait([reading], timeout=0.001).done:
        if len(killed) < 2 and reader._is_ready:  # pyright: ignore[reportPrivateUsage] - what nobody else needs to know
            killed.add(pid := reader.pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return [None, None] if reading.exception() else [*reading.result()]


def test_the_process_ends_with_the_one_that_started_it() -> None:
    parent = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, check=False)
    wait_until(lambda: not psutil.pid_exists(int(parent.stdout)), "the reader has ended")


def started(pipe: Connection) -> subprocess.Popen[str]:
    """Start the process as Reader does, its words in a pipe."""
    command = [sys.executable, "-m", "shared.reader", str(pipe.fileno())]
    return subprocess.Popen(command, pass_fds=[pipe.fileno()], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("is_ready", [False, True], ids=["before it is ready", "before it was asked"])
def test_the_process_ends_without_a_word_when_nobody_asked_it_anything(is_ready: bool) -> None:
    ours, theirs = Pipe()
    with started(theirs) as process:
        theirs.close()
        if is_ready:
            assert ours.poll(30)
        ours.close()
        assert process.communicate(timeout=30)[1] == ""
        assert process.returncode == 0
