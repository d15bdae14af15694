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
PATIENCE_S = 60  # those who wait do so for up to 300


def test_a_drawing_is_accepted_while_all_who_may_wait_do(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill(waiting_limit=WAITING)
    quill.start_web()
    host, port = quill.address.removeprefix("http://").split(":")

    def drawn() -> str:
        """Return where the prediction of a drawing is, once that is accepted; without a worker it stays unanswered."""
        png = {"Content-Type": "image/png"}
        sent = requests.post(f"{quill.address}/api/v1/predictions", SEVEN, headers=png, timeout=PATIENCE_S)
        assert sent.status_code == 202
        return sent.headers["Location"]

    place = drawn()
    with ExitStack() as stack:
        for _ in range(WAITING):
            visitor = stack.enter_context(socket.create_connection((host, int(port))))
            visitor.sendall(f"GET {place}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert drawn()
