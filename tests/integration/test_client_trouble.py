"""The client where something else than Quill answers, or nobody does in time."""

import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from shared.contract import new_id
from tests.services.authority import Authority
from web.client import Client

pytestmark = pytest.mark.integration


@pytest.fixture
def answering(tmp_path: Path) -> Generator[Callable[[Response], str]]:
    """Give a starter of a server that speaks TLS, or not, and knows one answer; it returns the address."""
    app = Flask(__name__)
    authority = Authority(tmp_path)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=(str(authority.chain), str(authority.key)))

    def started(answer: Response) -> str:
        app.before_request(lambda: answer)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"https://127.0.0.1:{server.server_port}"

    yield started
    server.shutdown()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Response(status=301, headers={"Location": "https://quill.example/"}), "301 .* to https://quill.example/$"),
        (Response("<p>Bad", status=502, mimetype="text/html"), "502 [^\n]*$"),
    ],
    ids=["a redirect", "a proxy's page"],
)
def test_what_is_no_answer_of_quill_is_told_in_one_line(
    answering: Callable[[Response], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Response, told: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with Client(answering(answer), patience_s=0) as client, pytest.raises(httpx.HTTPStatusError) as caught:
        client.status()
    assert str(caught.value).startswith("not an answer of Quill but ")
    assert caught.match(told)


def test_a_certificate_that_is_not_believed_is_told_at_once_with_its_cure(
    answering: Callable[[Response], str],
) -> None:
    began_s = time.monotonic()
    with Client(answering(Response())) as client, pytest.raises(httpx.HTTPError, match="SSL_CERT_FILE"):
        client.status()
    assert time.monotonic() - began_s < 30  # patience is 60 s


def test_a_service_that_accepts_and_says_nothing_is_not_waited_for_much_longer_than_was_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with Client(f"http://127.0.0.1:{silent.getsockname()[1]}") as client, pytest.raises(httpx.TimeoutException):
            client.wait(new_id(), seconds=1)
        assert time.monotonic() - began_s < 25


def test_an_answer_that_trickles_in_is_not_waited_for_either() -> None:
    left = Event()

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(60):
                if left.wait(0.5):
                    return
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        pool.submit(trickle, server)
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}", patience_s=0)
        began_s = time.monotonic()
        with client, pytest.raises(httpx.TimeoutException, match="does not end"):
            client.status()
        left.set()
        assert time.monotonic() - began_s < 25
