"""The process that reads drawings for web, which starts it: `python -m shared.reader FILE_DESCRIPTOR`."""

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from shared.bad_image import BadImageError
from shared.picture import pictures_from_png
from shared.reading import Pictures


def read_here(pngs: Sequence[bytes]) -> list[Pictures | BadImageError]:
    """Return the pictures of each drawing, or what is wrong with it; in this thread."""
    return [_read(png) for png in pngs]


def _read(png: bytes) -> Pictures | BadImageError:
    try:
        return tuple(picture.tobytes() for picture in pictures_from_png(png))
    except BadImageError as error:
        return error


def _serve(pipe: Connection) -> None:
    """Read what comes until whoever started this process has gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for that other process, which may still need this one
    with suppress(EOFError, ConnectionError):  # it has gone, maybe before it asked for anything
        pipe.send(True)  # ready
        while True:
            pipe.send(read_here(pipe.recv()))


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
