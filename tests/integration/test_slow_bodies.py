"""A client that sends its body drop by drop, or never, is cut off, and nobody else notices."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import requests

from tests.services.pngs import SEVEN
from tests.services.quill import Quill, draw
from web.serving import DOOR_THREADS
from web.slow_bodies import BODY_S, CROWD

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="slow bodies are found by what Linux's kernel counts"),
]

DRAWINGS = "/api/v1/predictions"
POST = f"POST {DRAWINGS} HTTP/1.1\r\nHost: quill\r\nContent-Type: image/png\r\n".encode()
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(SEVEN)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
ELSEWHERE = "127.0.0.2"  # another client's address
DEADLINE_S = BODY_S + 10


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, redis_urls: Iterator[str]) -> Iterator[Quill]:
    """Give a real web server without a worker."""
    quill = Quill(tmp_path_factory.mktemp("slow"), next(redis_urls))
    quill.start_web()
    yield quill
    quill.stop()


def connect(web: Quill, address: str = "127.0.0.1") -> socket.socket:
    port = int(web.address.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S, source_address=(address, 0))


def rest(connection: socket.socket) -> bytes:
    """Return what the server says until it closes the connection."""
    told = b""
    try:
        while piece := connection.recv(65536):
            told += piece
    except ConnectionResetError:  # it closed while we still sent
        pass
    return told


def drip(connections: list[socket.socket], ending: threading.Event) -> None:
    while not ending.wait(0.5):
        for connection in connections:
            with suppress(OSError):  # it is closed: what the test waits for
                connection.sendall(b"1\r\n\x89\r\n")


def test_a_body_that_drips_or_never_comes_is_answered_with_408_and_its_connection_closed(web: Quill) -> None:
    ending = threading.Event()
    with connect(web) as whole, connect(web) as chunked, connect(web) as silent:
        whole.sendall(WHOLE)
        chunked.sendall(CHUNKED)
        silent.sendall(WHOLE)
        dripping = threading.Thread(target=drip, args=([whole, chunked], ending))
        dripping.start()
        answers = [rest(connection) for connection in (whole, chunked, silent)]
        ending.set()
        dripping.join()
    for told in answers:
        assert told.startswith(b"HTTP/1.1 408"), told
        assert b"/problems/request-timeout" in told
        assert b"connection: close" in told.lower()


def test_a_body_that_comes_within_its_time_is_taken(web: Quill) -> None:
    with connect(web) as connection:
        connection.sendall(WHOLE)
        for start in range(0, len(SEVEN), 1 + len(SEVEN) // 8):
            connection.sendall(SEVEN[start : start + 1 + len(SEVEN) // 8])
            threading.Event().wait(0.5)  # a slow line
        assert connection.recv(12) == b"HTTP/1.1 202"


def test_a_connection_that_never_says_anything_is_closed(web: Quill) -> None:
    with connect(web) as connection:
        assert rest(connection) == b""


@pytest.mark.parametrize("crowd", [100, 400])
def test_a_crowd_of_slow_bodies_keeps_nobody_else_out(web: Quill, crowd: int) -> None:
    """With 400 every thread of the server is taken, until the crowd's address is seen to be one."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(web, ELSEWHERE)) for _ in range(crowd)]
        for connection in connections:
            connection.sendall(WHOLE + SEVEN[:10])
        began = time.monotonic()
        draw(web.address)
        assert time.monotonic() - began < BODY_S
        answers = [rest(connection).splitlines()[0] for connection in connections]
    assert CROWD < DOOR_THREADS <= crowd
    assert {line[:12] for line in answers} <= {b"HTTP/1.1 408", b"HTTP/1.1 400"}  # 400 to who had no thread when cut
    assert answers[0].startswith(b"HTTP/1.1 408")


def test_whoever_waits_for_an_answer_beside_a_crowd_gets_it(web: Quill) -> None:
    prediction = draw(web.address)["id"]
    with ExitStack() as stack:
        for _ in range(2 * CROWD):
            stack.enter_context(connect(web, ELSEWHERE)).sendall(WHOLE)
        waited = requests.get(f"{web.address}{DRAWINGS}/{prediction}?wait=5", timeout=30)
    assert (waited.status_code, waited.json()["state"]) == (200, "queued")
