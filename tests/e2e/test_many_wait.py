"""Those who wait for an answer, as many as may, keep nobody from handing in a drawing."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.services.quill import PREDICTIONS, Quill, draw

pytestmark = pytest.mark.e2e

WAITING = 1_050  # more than the 1,024 connections that Granian has by default


def test_a_drawing_is_accepted_while_all_who_may_wait_do(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill(waiting_limit=WAITING)
    quill.start_web()
    host, port = quill.address.removeprefix("http://").split(":")

    place = f"{PREDICTIONS}/{draw(quill.address)['id']}"  # unanswered, without a worker
    with ExitStack() as stack:
        for _ in range(WAITING):
            visitor = stack.enter_context(socket.create_connection((host, int(port))))
            visitor.sendall(f"GET {place}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        draw(quill.address)  # which is given two minutes; those who wait do so for up to five
