"""Those who wait for an answer, as many as may, keep nobody from handing in a drawing."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.services.quill import Quill

pytestmark = pytest.mark.e2e

SEVEN = Path("tests/seven.png").read_bytes()
WAITING = 1_050  # more than the 1,024 connections that Granian has by default
ANSWERED_S = 15  # while those who wait would be sent away after 30


def test_a_drawing_is_accepted_while_all_who_may_wait_do(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill(waiting_limit=WAITING)
    quill.start_web()
    host, port = quill.address.removeprefix("http://").split(":")

    def draw() -> requests.Response:
        return requests.post(
            f"{quill.address}/api/v1/predictions", SEVEN, headers={"Content-Type": "image/png"}, timeout=ANSWERED_S
        )

    place = draw().headers["Location"]  # without a worker it stays unanswered
    with ExitStack() as stack:
        for _ in range(WAITING):
            visitor = stack.enter_context(socket.create_connection((host, int(port))))
            visitor.sendall(f"GET {place}?wait=30 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert draw().status_code == 202
