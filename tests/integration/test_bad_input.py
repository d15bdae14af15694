"""Whatever arrives at the real server is answered with a documented problem, within seconds and little memory."""

import socket
import sqlite3
from base64 import b64encode
from collections.abc import Iterator

import psutil
import pytest
import requests

from tests.services.pngs import SEVEN, SEVEN_URL, moving, raw_png
from tests.services.quill import Quill, draw
from tests.services.site import NOBODY

pytestmark = pytest.mark.integration

DRAWINGS = "/api/v1/predictions"
BODY_LIMIT = 100_000
NO_DRAWING = f"{DRAWINGS}/{NOBODY}"
MEMORY = 20_000_000


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, redis_urls: Iterator[str]) -> Iterator[Quill]:
    """Give a real web server without a worker."""
    quill = Quill(tmp_path_factory.mktemp("bad"), next(redis_urls), body_limit=BODY_LIMIT)
    quill.start_web()
    yield quill
    quill.stop()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of zeros that says to be so large."""
    return raw_png(width, height, bytes([8, 0, 0, 0, 0]), bytes(60_000_000))


PNG, JSON = "image/png", "application/json"
POSTS: dict[str, tuple[str | None, bytes, int, str]] = {
    "empty body": (PNG, b"", 400, "empty-body"),
    "null": (JSON, b"null", 422, "invalid-body"),
    "a number beyond all bounds": (JSON, b'{"image": 1e400}', 422, "out-of-range"),
    "JSON 10 000 deep": (JSON, b"[" * 10_000 + b"]" * 10_000, 400, "malformed-json"),
    "JSON of 20 000 objects": (JSON, b"[" + b"{}," * 20_000 + b"{}]", 422, "wrong-length"),
    "bytes that are no UTF-8": (JSON, b'{"image": "\xff"}', 400, "malformed-json"),
    "a byte order mark": (JSON, b'\xef\xbb\xbf{"image": "%s"}' % SEVEN_URL.encode(), 400, "malformed-json"),
    "no type": (None, SEVEN, 415, "unsupported-media-type"),
    "strange base64": (JSON, b'{"image": "data:image/png;base64,AAA*"}', 422, "invalid-base64"),
    "half a PNG": (PNG, SEVEN[: len(SEVEN) // 2], 422, "undecodable-image"),
    "a body above the limit": (PNG, bytes(BODY_LIMIT + 1), 413, "payload-too-large"),
    "a thousand parts": (
        "multipart/form-data; boundary=b",
        b"--b\r\n\r\nx\r\n" * 1000,
        415,
        "unsupported-media-type",
    ),
}


def problem(response: requests.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    return response.status_code, response.json()["type"].removeprefix("/problems/")


@pytest.mark.parametrize("name", POSTS)
def test_a_bad_drawing_is_a_documented_problem(web: Quill, name: str) -> None:
    kind, body, status, slug = POSTS[name]
    headers = {"Content-Type": kind} if kind else {}
    assert problem(requests.post(web.address + DRAWINGS, data=body, headers=headers, timeout=10)) == (status, slug)


def test_a_body_that_is_no_object_is_told_in_the_words_of_json(web: Quill) -> None:
    detail = requests.post(web.address + DRAWINGS, data=b"[]", headers={"Content-Type": JSON}, timeout=10).json()[
        "detail"
    ]
    assert detail == "the body: Input should be an object."


def test_no_bad_drawing_costs_much_memory(web: Quill) -> None:
    server = psutil.Process(web.processes[-1].pid)

    def used() -> int:
        return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])

    def send(body: bytes) -> requests.Response:
        return requests.post(web.address + DRAWINGS, data=body, headers={"Content-Type": PNG}, timeout=10)

    send(SEVEN)
    before = used()
    for body, slug in (
        (bomb(50_000, 50_000), "image-too-large"),
        (bomb(100, 100), "blank-drawing"),
        (bomb(1024, 1024), "blank-drawing"),
        (moving(100), "animated-image"),
    ):
        assert problem(send(body)) == (422, slug)
        assert used() - before < MEMORY


OTHERS: dict[str, tuple[str, str, int]] = {
    "an id that is none": ("GET", f"{DRAWINGS}/not-a-uuid", 404),
    "an id that is no text": ("GET", f"{DRAWINGS}/%ff%fe", 404),
    "an id of nobody": ("GET", NO_DRAWING, 404),
    "a path out of the folder": ("GET", "/static/..%2f..%2f..%2fetc/passwd", 404),
    "another method": ("PUT", DRAWINGS, 405),
    "a method of one's own": ("FOO", DRAWINGS, 405),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_bad_question_is_a_documented_problem(web: Quill, name: str) -> None:
    method, path, status = OTHERS[name]
    response = requests.request(method, web.address + path, timeout=10)
    assert problem(response)[0] == status
    assert status != 405 or "POST" in response.headers["Allow"]


def test_whoever_accepts_only_pages_gets_json_from_the_interface(web: Quill) -> None:
    response = requests.get(web.address + NO_DRAWING, headers={"Accept": "text/html"}, timeout=10)
    assert problem(response) == (404, "not-found")


def test_deleting_what_nobody_knows_is_as_good_as_deleting_and_fills_no_store(web: Quill) -> None:
    assert [requests.delete(web.address + NO_DRAWING, timeout=10).status_code for _ in range(2)] == [204, 204]
    with sqlite3.connect(str(web.settings["store_url"]).removeprefix("sqlite:///")) as database:
        assert database.execute("SELECT count(*) FROM forgotten").fetchone() == (0,)
    database.close()


def talk(web: Quill, request: bytes, *, hang_up: bool = False, whole: bool = False) -> bytes:
    """Send bytes as they are; return what comes before the server closes, or, unless whole, up to the JSON's end."""
    with socket.create_connection(("127.0.0.1", int(web.address.rpartition(":")[2])), timeout=15) as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        told = b""
        while (whole or not told.endswith(b"}")) and (piece := connection.recv(65536)):
            told += piece
        return told


POST = f"POST {DRAWINGS} HTTP/1.1\r\nHost: quill\r\nContent-Type: image/png\r\n".encode()
TALKS: dict[str, tuple[bytes, bytes]] = {
    "a chunked body above the limit": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"2710\r\n" + bytes(10_000) + b"\r\n") * 11 + b"0\r\n\r\n",
        b"413",
    ),
    "a length below nothing": (POST + b"Content-Length: -1\r\n\r\n", b"400"),
    "a length of words": (POST + b"Content-Length: ten\r\n\r\n", b"400"),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
    "HTTP/0.9": (b"GET /\r\n\r\n", b"400"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
    "a header of 16 kB": (b"GET / HTTP/1.1\r\nHost: quill\r\nX: " + b"x" * 16_384 + b"\r\n\r\n", b"431"),
}


@pytest.mark.parametrize("name", TALKS)
def test_what_is_no_proper_http_is_refused(web: Quill, name: str) -> None:
    request, status = TALKS[name]
    assert talk(web, request).startswith(b"HTTP/1.1 " + status)


def test_a_length_beside_chunks_smuggles_no_second_request(web: Quill) -> None:
    """The server drops the length and closes (RFC 9112, 6.3), before Quill could refuse both with 400."""
    chunked = b"%x\r\n" % len(SEVEN) + SEVEN + b"\r\n0\r\n\r\n"
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: quill\r\n\r\n"
    told = talk(web, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + smuggled, whole=True)
    assert told.startswith(b"HTTP/1.1 202")
    assert told.count(b"HTTP/1.1") == 1
    assert b"connection: close" in told


def test_a_body_that_ends_too_early_is_refused_and_nothing_is_kept(web: Quill) -> None:
    told = talk(web, POST + b"Content-Length: 5000\r\n\r\n" + SEVEN[:100], hang_up=True)
    assert told.startswith(b"HTTP/1.1 400")
    assert b"incomplete-body" in told


def test_a_head_that_never_ends_is_cut_off(web: Quill) -> None:
    assert talk(web, b"GET /healthz HTTP/1.1\r\nHost: quill\r\n") == b""


def test_head_and_options_are_answered(web: Quill) -> None:
    assert requests.head(web.address + "/", timeout=10).status_code == 200
    assert "POST" in requests.options(web.address + DRAWINGS, timeout=10).headers["Allow"]


def test_every_answer_protects_whoever_looks_at_it(web: Quill) -> None:
    for path in ("/", NO_DRAWING, "/healthz", "/static/nothing"):
        headers = requests.get(web.address + path, timeout=10).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_drawing_and_no_trace_is_in_the_log(web: Quill) -> None:
    """After all of the above, whose order does not matter: what was sent must not be found in the server's words."""
    draw(web.address)
    log = web.processes[-1].log.encode()
    assert b64encode(SEVEN)[:40] not in log
    assert SEVEN[:40] not in log
    assert b"Traceback" not in log
