"""The load client, a process of its own: users who each send a drawing, wait for its answer, and send the next.

Requests are made beforehand and answers are searched, not parsed, so that the client costs a few percent of one core;
the table shows how much. Standard input gives a Load as JSON; a line on standard output marks the window's begin, a
second one tells what was measured in it.
"""

import asyncio
import json
import re
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import cast

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
LOCATION = re.compile(rb"location: *([^\r\n]+)", re.IGNORECASE)
DIGITS = re.compile(rb'"digits": ?"(\d+)"')
GIVE_UP_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What the users do.

    Attributes:
        requests: in base64, as they go over the wire.
        answers: what each request's answer must say, digit by digit.
        follow: added to the Location of a 202, to ask for its answer.
        pause_s: before each such question.
    """

    port: int
    users: int
    requests: list[str]
    answers: list[str]
    warm_s: float
    window_s: float
    follow: str = ""
    pause_s: float = 0.0


@dataclass(slots=True)
class Tally:
    """What came of it within the window; one request may carry many drawings."""

    milliseconds: list[float] = field(default_factory=list[float])
    results: int = 0
    errors: int = 0
    wrong: int = 0
    window_s: float = 0.0
    client_cpu_s: float = 0.0
    first_error: str = ""


class User(asyncio.Protocol):
    """One person with one connection."""

    def __init__(self, load: Load, drawings: list[tuple[bytes, str]], first: int, told: Callable[..., None]) -> None:
        self._load = load
        self._drawings = drawings
        self._next = first
        self._told = told
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._draw()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._received, 0, end)
        if length and len(self._received) >= end + 4 + int(length[1]):
            answer, self._received = self._received, b""
            self._answered(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._told(0.0, 0, 0, f"connection lost: {exc}")

    def _draw(self) -> None:
        request, self._expected = self._drawings[self._next % len(self._drawings)]
        self._next += 1
        self._began_s = time.perf_counter()
        self._transport.write(request)

    def _answered(self, answer: bytes) -> None:
        took_s = time.perf_counter() - self._began_s
        location = LOCATION.search(answer)
        if answer.startswith(b"HTTP/1.1 202") and location and took_s < GIVE_UP_S:
            self._follow(location[1])
            return
        digits = b"".join(DIGITS.findall(answer)).decode()
        if answer.startswith(b"HTTP/1.1 200") and digits:
            wrong = sum(one != other for one, other in zip_longest(digits, self._expected))
            self._told(1000 * took_s, len(digits), wrong, "")
        else:
            self._told(0.0, 0, 0, answer[:300].decode(errors="replace"))
        self._draw()

    def _follow(self, location: bytes) -> None:
        request = b"GET %b%b HTTP/1.1\r\nHost: bench\r\n\r\n" % (location, self._load.follow.encode())
        loop = asyncio.get_running_loop()
        loop.call_later(self._load.pause_s, self._transport.write, request)


async def run(load: Load) -> None:
    """Let the users draw; tell what came of it."""
    tally: Tally | None = None

    def told(milliseconds: float, results: int, wrong: int, error: str) -> None:
        if tally is None:
            return
        tally.errors += bool(error)
        tally.first_error = tally.first_error or error
        tally.results += results
        tally.wrong += wrong
        if results:
            tally.milliseconds.append(milliseconds)

    drawings = list(zip(map(b64decode, load.requests), load.answers, strict=True))
    loop = asyncio.get_running_loop()
    for number in range(load.users):
        await loop.create_connection(lambda first=number: User(load, drawings, first, told), "127.0.0.1", load.port)
    await asyncio.sleep(load.warm_s)
    _tell("begin")
    tally = Tally()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.sleep(load.window_s)
    tally.window_s, tally.client_cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    _tell(json.dumps(asdict(tally)))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(Load(**json.load(sys.stdin))))
