"""Whatever arrives at the real server is answered with a documented problem, within seconds and little memory."""

import io
import json
import socket
import sqlite3
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from tests.services.pngs import chunk, moving, png, raw_png
from tests.services.quill import Quill
from tests.services.site import SEVEN

pytestmark = pytest.mark.integration

DRAWINGS = "/api/v1/predictions"
BODY_LIMIT = 100_000
NOBODY = f"{DRAWINGS}/00000000-0000-4000-8000-000000000000"
MEMORY = 20_000_000


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, redis_urls: Iterator[str]) -> Iterator[Quill]:
    """Give a real web server without a worker."""
    quill = Quill(tmp_path_factory.mktemp("bad"), next(redis_urls), body_limit=BODY_LIMIT)
    quill.start_web()
    yield quill
    quill.stop()


def as_json(image: object, **fields: object) -> bytes:
    return json.dumps({"image": image, **fields}).encode()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


def head(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of zeros that says to be so large."""
    return raw_png(width, height, bytes([8, 0, 0, 0, 0]), bytes(60_000_000))


def saved(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(SEVEN)).convert("L").save(file, kind, **options)
    return file.getvalue()


PNG, JSON = "image/png", "application/json"
POSTS: dict[str, tuple[str | None, Callable[[], bytes], int, str]] = {
    "empty body": (PNG, lambda: b"", 400, "empty-body"),
    "empty JSON body": (JSON, lambda: b"", 400, "empty-body"),
    "half an object": (JSON, lambda: b"{", 400, "malformed-json"),
    "null": (JSON, lambda: b"null", 422, "invalid-body"),
    "an array": (JSON, lambda: b"[]", 422, "invalid-body"),
    "no image": (JSON, lambda: b"{}", 422, "missing-field"),
    "a number for an image": (JSON, lambda: as_json(5), 422, "invalid-type"),
    "true for an image": (JSON, lambda: as_json(True), 422, "invalid-type"),
    "an unknown field": (JSON, lambda: as_json(data_url(SEVEN), pixels=[0] * 783), 422, "unknown-field"),
    "a key twice": (JSON, lambda: b'{"image": "a", "image": "b"}', 400, "duplicate-key"),
    "a number beyond all bounds": (JSON, lambda: b'{"image": 1e400}', 422, "out-of-range"),
    "JSON 10 000 deep": (JSON, lambda: b"[" * 10_000 + b"]" * 10_000, 400, "malformed-json"),
    "JSON of 20 000 objects": (JSON, lambda: b"[" + b"{}," * 20_000 + b"{}]", 422, "wrong-length"),
    "bytes that are no UTF-8": (JSON, lambda: b'{"image": "\xff"}', 400, "malformed-json"),
    "a byte order mark": (JSON, lambda: b"\xef\xbb\xbf" + as_json(data_url(SEVEN)), 400, "malformed-json"),
    "text": ("text/plain", lambda: b"7", 415, "unsupported-media-type"),
    "no type": (None, lambda: SEVEN, 415, "unsupported-media-type"),
    "a data URL without a comma": (JSON, lambda: as_json("data:image/png;base64"), 422, "invalid-data-url"),
    "an SVG": (JSON, lambda: as_json(data_url(b"<svg/>", "image/svg+xml")), 415, "unsupported-image"),
    "strange base64": (JSON, lambda: as_json("data:image/png;base64,AAA*"), 422, "invalid-base64"),
    "base64 without its padding": (JSON, lambda: as_json("data:image/png;base64,AAAAA"), 422, "invalid-base64"),
    "a signature and no more": (PNG, lambda: SEVEN[:8], 422, "undecodable-image"),
    "half a PNG": (PNG, lambda: SEVEN[: len(SEVEN) // 2], 422, "undecodable-image"),
    "a PNG of 50 000 x 50 000": (PNG, lambda: bomb(50_000, 50_000), 422, "image-too-large"),
    "a small PNG with 60 MB in it": (PNG, lambda: bomb(100, 100), 422, "blank-drawing"),
    "a PNG without pixels": (PNG, lambda: head(0, 0) + chunk(b"IEND", b""), 422, "undecodable-image"),
    "a PNG without height": (PNG, lambda: head(1, 0) + chunk(b"IEND", b""), 422, "undecodable-image"),
    "a PNG that moves": (PNG, moving, 422, "animated-image"),
    "a GIF that calls itself PNG": (PNG, lambda: saved("GIF"), 422, "undecodable-image"),
    "a TIFF that calls itself PNG": (PNG, lambda: saved("TIFF"), 422, "undecodable-image"),
    "a PSD that calls itself PNG": (PNG, lambda: b"8BPS\0\1" + bytes(100), 422, "undecodable-image"),
    "a FITS that calls itself PNG": (
        PNG,
        lambda: b"SIMPLE  =                    T" + bytes(100),
        422,
        "undecodable-image",
    ),
    "a body above the limit": (PNG, lambda: bytes(BODY_LIMIT + 1), 413, "payload-too-large"),
    "a thousand parts": (
        "multipart/form-data; boundary=b",
        lambda: b"--b\r\n\r\nx\r\n" * 1000,
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
    assert problem(requests.post(web.address + DRAWINGS, data=body(), headers=headers, timeout=10)) == (status, slug)


def test_a_body_that_is_no_object_is_told_in_the_words_of_json(web: Quill) -> None:
    detail = requests.post(web.address + DRAWINGS, data=b"[]", headers={"Content-Type": JSON}, timeout=10).json()[
        "detail"
    ]
    assert detail == "the body: Input should be an object."


def test_no_bad_drawing_costs_much_memory(web: Quill) -> None:
    server = psutil.Process(web.processes[-1].pid)

    def used() -> int:
        return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])

    def send(body: bytes) -> None:
        requests.post(web.address + DRAWINGS, data=body, headers={"Content-Type": PNG}, timeout=10)

    send(SEVEN)
    before = used()
    for body in (bomb(50_000, 50_000), bomb(100, 100), bomb(1024, 1024), moving(100)):
        send(body)
        assert used() - before < MEMORY


@pytest.mark.parametrize("mode", ["I;16", "P", "RGBA", "LA", "1"])
def test_every_kind_of_still_png_is_taken(web: Quill, mode: str) -> None:
    image = Image.open(io.BytesIO(SEVEN)).convert("L")
    image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    response = requests.post(web.address + DRAWINGS, data=png(image), headers={"Content-Type": PNG}, timeout=10)
    assert response.status_code == 202, response.text


OTHERS: dict[str, tuple[str, str, int]] = {
    "an id that is none": ("GET", f"{DRAWINGS}/not-a-uuid", 404),
    "an id that is no text": ("GET", f"{DRAWINGS}/%ff%fe", 404),
    "an id of nobody": ("GET", NOBODY, 404),
    "a path out of the folder": ("GET", "/static/..%2f..%2f..%2fetc/passwd", 404),
    "another method": ("PUT", DRAWINGS, 405),
    "a method of one's own": ("FOO", DRAWINGS, 405),
    "too long a wait, or none": ("GET", f"{NOBODY}?wait=-1", 422),
    "a wait that is no number": ("GET", f"{NOBODY}?wait=abc", 422),
    "a page of no size": ("GET", f"{DRAWINGS}?limit=-1", 422),
    "a page of all sizes": ("GET", f"{DRAWINGS}?limit=1e9", 422),
    "a page of words": ("GET", f"{DRAWINGS}?limit=abc", 422),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_bad_question_is_a_documented_problem(web: Quill, name: str) -> None:
    method, path, status = OTHERS[name]
    response = requests.request(method, web.address + path, timeout=10)
    assert problem(response)[0] == status
    assert status != 405 or "POST" in response.headers["Allow"]


def test_whoever_accepts_only_pages_gets_json_from_the_interface(web: Quill) -> None:
    response = requests.get(web.address + NOBODY, headers={"Accept": "text/html"}, timeout=10)
    assert problem(response) == (404, "not-found")


def test_deleting_what_nobody_knows_is_as_good_as_deleting_and_fills_no_store(web: Quill) -> None:
    assert [requests.delete(web.address + NOBODY, timeout=10).status_code for _ in range(2)] == [204, 204]
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
    for path in ("/", NOBODY, "/healthz", "/static/nothing"):
        headers = requests.get(web.address + path, timeout=10).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_drawing_and_no_trace_is_in_the_log(web: Quill) -> None:
    """After all of the above, whose order does not matter: what was sent must not be found in the server's words."""
    requests.post(web.address + DRAWINGS, data=SEVEN, headers={"Content-Type": PNG}, timeout=10)
    log = web.processes[-1].log.encode()
    assert b64encode(SEVEN)[:40] not in log
    assert SEVEN[:40] not in log
    assert b"Traceback" not in log
