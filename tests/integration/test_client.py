"""The client and the command line, over HTTP to a real server."""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from click.testing import CliRunner
from flask import Response
from werkzeug.serving import BaseWSGIServer, make_server

from shared.contract import State, new_id
from tests.services.pngs import SEVEN
from tests.services.process import free_port
from tests.services.site import Site
from web.client import AT_A_TIME, Client, QuillError
from web.command import LARGEST, main

pytestmark = pytest.mark.integration

LOOK_S = 0.01  # how often a server looks whether it is shut down: by default, half a second at each test's end


@pytest.fixture
def serve() -> Generator[Callable[[Site], str]]:
    """Give a starter of a server for a site; it returns the address."""
    servers: list[BaseWSGIServer] = []

    def started(site: Site) -> str:
        server = make_server("127.0.0.1", 0, site.app, threaded=True)
        servers.append(server)
        Thread(target=server.serve_forever, args=[LOOK_S], daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield started
    for server in servers:
        server.shutdown()


def quick(site: Site, digits: str = "7", **fields: object) -> Site:
    """Let the site's drawings be answered as soon as they are submitted."""
    site.answer_at_once(digits, **fields)
    return site


def test_a_drawing_is_predicted(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(quick(site))) as client:
        assert client.predict(SEVEN).digit == 7


def test_predictions_come_as_they_are_completed(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(site)) as client:
        ids = [client.submit(SEVEN).id for _ in range(3)]
        coming = client.as_completed(ids)
        for prediction_id in reversed(ids):
            site.finish(prediction_id)
        assert sorted(prediction.id for prediction in coming) == sorted(ids)


def test_one_that_is_not_there_holds_back_no_other(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(quick(site))) as client:
        ids = [client.submit(SEVEN).id for _ in range(3)]
        coming = client.as_completed([new_id(), *ids])
        assert sorted(next(coming).id for _ in ids) == sorted(ids)
        with pytest.raises(QuillError, match="No prediction has this id"):
            next(coming)


def test_who_leaves_early_waits_for_no_other(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(site)) as client:
        first, never = client.submit(SEVEN).id, client.submit(SEVEN).id
        site.finish(first)
        began_s = time.monotonic()
        for prediction in client.as_completed([first, never]):
            assert prediction.id == first
            break
        assert time.monotonic() - began_s < 15  # a call waits for 20 s, all of them for 60
        site.finish(never)


def test_the_seconds_are_for_all_together(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(site)) as client:
        ids = [client.submit(SEVEN).id for _ in range(2 * AT_A_TIME)]
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            list(client.as_completed(ids, seconds=5))
        assert time.monotonic() - began_s < 10  # one round after the other would be twice 5 s


def test_a_prediction_is_corrected(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(quick(site))) as client:
        prediction = client.predict(SEVEN)
        client.correct(prediction.id, "1")
        assert client.wait(prediction.id).label == "1"


def test_a_refusal_tells_its_problem(site: Site, serve: Callable[[Site], str]) -> None:
    with Client(serve(site)) as client, pytest.raises(QuillError, match="send a whole PNG") as caught:
        client.submit(b"no picture")
    assert caught.value.problem.type == "/problems/undecodable-image"


def test_an_answer_that_was_lost_is_asked_for_again_and_the_drawing_stays_one(
    site: Site, serve: Callable[[Site], str]
) -> None:
    lost: list[str] = []

    def lose_the_first(response: Response) -> Response:
        if lost:
            return response
        lost.append(response.get_json()["id"])
        return Response(status=503, headers={"Retry-After": "0"})

    site.app.after_request(lose_the_first)
    with Client(serve(site)) as client:
        prediction = client.submit(SEVEN)
    assert [job.id for job in site.wait_for_sent(1)] == [prediction.id] == lost


def test_overload_is_waited_out_as_the_server_asks(new_site: Callable[..., Site], serve: Callable[[Site], str]) -> None:
    site = new_site(client_limit=1)
    with Client(serve(site), patience_s=0) as client:
        client.submit(SEVEN)
        with pytest.raises(QuillError) as caught:
            client.submit(SEVEN)
    assert caught.value.problem.status == 429


@pytest.mark.parametrize(
    "answer",
    [
        Response("<p>Welcome</p>", mimetype="text/html"),
        Response("{}", mimetype="application/problem+json", status=400),
        Response(status=503, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    ],
    ids=["a page", "a problem without a type", "a date to come back at"],
)
def test_what_is_no_answer_of_quill_is_told_as_one_error_of_http(
    site: Site, serve: Callable[[Site], str], answer: Response
) -> None:
    site.app.before_request(lambda: answer)
    with Client(serve(site), patience_s=0) as client, pytest.raises(httpx.HTTPError):
        client.status()


def test_an_answer_that_does_not_come_is_a_timeout_that_names_the_prediction(
    site: Site, serve: Callable[[Site], str]
) -> None:
    with Client(serve(site)) as client, pytest.raises(TimeoutError, match="ask again for"):
        client.predict(SEVEN, seconds=0.5)


def test_a_service_that_is_away_is_told_when_patience_ends() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", patience_s=0) as client, pytest.raises(httpx.TransportError):
        client.status()


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "localhost", "http://", "http://127.0.0.1:abc", "http://127.0.0.1:99999", "ftp://x"]
)
def test_what_is_no_address_is_told_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="no address of a service: write it as"):
        Client(address)
    for command in (["predict", __file__], ["watch"]):
        told = run(*command, "--address", address)
        assert told.startswith("2 ")
        assert told.endswith(f"'{address}' is no address of a service: write it as http://127.0.0.1:8000\n")


def run(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    return f"{result.exit_code} {result.output}"


def test_the_command_predicts_files(site: Site, serve: Callable[[Site], str], tmp_path: Path) -> None:
    drawing = tmp_path / "drawing.png"
    drawing.write_bytes(SEVEN)
    assert run("predict", "--address", serve(quick(site)), str(drawing)) == f"0 {drawing}: 7 (100% sure)\n"


def test_the_command_tells_doubt_and_failure(site: Site, serve: Callable[[Site], str], tmp_path: Path) -> None:
    drawing = tmp_path / "drawing.png"
    drawing.write_bytes(SEVEN)
    address = serve(quick(site, unsure=True))
    assert "doubtful" in run("predict", "--address", address, str(drawing))
    quick(site, state=State.FAILED, error="it broke")
    assert run("predict", "--address", address, str(drawing)) == f"1 {drawing}: it broke\n"


def test_the_command_tells_which_drawing_is_refused_and_goes_on_with_the_others(
    site: Site, serve: Callable[[Site], str], tmp_path: Path
) -> None:
    first, wrong, last = (tmp_path / name for name in ("first.png", "wrong.png", "last.png"))
    for file, content in ((first, SEVEN), (wrong, b"no picture"), (last, SEVEN)):
        file.write_bytes(content)
    address = serve(quick(site))
    code, _, told = run("predict", "--address", address, *map(str, (first, wrong, last))).partition(" ")
    refused = f"{wrong}: these bytes are no PNG: send a whole PNG"
    assert sorted(told.splitlines()) == sorted([f"{first}: 7 (100% sure)", refused, f"{last}: 7 (100% sure)"])
    assert code == "1"


def test_the_command_keeps_no_file_in_memory_that_no_drawing_can_be(
    site: Site, serve: Callable[[Site], str], tmp_path: Path
) -> None:
    film = tmp_path / "film.png"
    with film.open("wb") as file:
        file.truncate(LARGEST + 1)
    told = run("predict", "--address", serve(site), str(film))
    assert told == f"1 {film}: no drawing has more than {LARGEST} bytes\n"


def many(folder: Path) -> list[str]:
    """Return the paths of more drawings than are asked for at a time."""
    files = [folder / f"{number}.png" for number in range(2 * AT_A_TIME)]
    for file in files:
        file.write_bytes(SEVEN)
    return [str(file) for file in files]


def test_a_drawing_that_is_not_answered_in_time_holds_up_no_other(
    site: Site, serve: Callable[[Site], str], tmp_path: Path
) -> None:
    files = many(tmp_path)
    site.on_submit = lambda jobs: [site.finish(job.id) for job in jobs if job.id != site.sent[0].id]
    code, _, told = run("predict", "--address", serve(site), "--wait", "3", *files).partition(" ")
    assert told.count("7 (100% sure)") == len(files) - 1
    assert told.count(".png: no answer in time") == 1
    assert code == "1"


def test_the_command_watches(site: Site, serve: Callable[[Site], str]) -> None:
    assert run("watch", "--address", serve(site), "--times", "1") == "0 0 wait; 0.0/s; 0 workers (model none)\n"


@pytest.mark.parametrize("times", ["0", "-1"])
def test_the_command_watches_once_at_least(times: str) -> None:
    assert "x>=1" in run("watch", "--times", times)


@pytest.mark.parametrize("seconds", ["nan", "-1"])
def test_the_command_waits_for_a_number_of_seconds(seconds: str) -> None:
    told = run("predict", "--address", f"http://127.0.0.1:{free_port()}", "--wait", seconds, __file__)
    assert told.startswith("2 ")
    assert "Invalid value for '--wait'" in told


def test_the_command_tells_in_one_line_that_nobody_answers() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    told = run("watch", "--address", address)
    assert told.startswith(f"1 Error: nobody answers at {address} ")
    assert told.endswith(": start Quill, or name it with --address\n")


def test_the_command_tells_once_for_all_drawings_that_nobody_answers(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    told = run("predict", "--address", address, "--wait", "0", *many(tmp_path))
    assert told.startswith(f"1 Nobody answers at {address} yet; trying for 0 s.\nError: nobody answers at {address} ")
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_service_on_this_machine_is_reached_past_a_proxy(
    site: Site, serve: Callable[[Site], str], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with Client(serve(site)) as client:
        assert client.status().store == "ok"
