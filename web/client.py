"""A client for programs: submit drawings, wait for answers; a retry never makes a second prediction of a drawing."""

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed as as_done
from math import inf
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, HttpUrl, ValidationError

from web.views import PredictionView, ProblemView, StatusView

View = TypeVar("View", bound=BaseModel)

RETRIED = {429, 502, 503, 504}
PAUSE_S = 1.0  # before a retry, where the server does not tell
WAIT_S = 20.0  # of one call that waits for an answer
ANSWER_S = 10.0  # for an answer, beside what its call waits for
HERE = {"127.0.0.1", "localhost", "::1"}
AT_A_TIME = 8  # calls that wait at the same time, in as_completed


class QuillError(Exception):
    """Raised when the service refuses; the text is the problem's detail, and its type says which kind."""

    def __init__(self, problem: ProblemView) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def checked(address: str) -> str:
    """Return the address, without a slash at its end.

    Raises:
        ValueError: it is none of a service.
    """
    try:
        return str(HttpUrl(address)).rstrip("/")
    except ValidationError as error:
        raise ValueError(f"'{address}' is no address of a service: write it as http://127.0.0.1:8000") from error


class Client:
    """Talks to one Quill; may be shared by threads. Every call raises QuillError, TimeoutError or httpx.HTTPError.

    Args:
        address: of the service, as http://127.0.0.1:8000.
        patience_s: for how long a call is tried again while the service is away or overloaded, seconds.

    Raises:
        ValueError: the address is none.
    """

    def __init__(self, address: str = "http://127.0.0.1:8000", *, patience_s: float = 60.0) -> None:
        base = httpx.URL(checked(address))
        direct = httpx.HTTPTransport() if base.host in HERE else None  # past the proxy that http_proxy may name
        self._http = httpx.Client(base_url=base, transport=direct, timeout=ANSWER_S)
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, png: bytes) -> PredictionView:
        """Hand in a drawing; return its prediction, queued as a rule."""
        headers = {"Content-Type": "image/png", "Idempotency-Key": str(uuid.uuid4())}
        return _shaped(PredictionView, self._call("POST", "/api/v1/predictions", content=png, headers=headers))

    def wait(self, prediction_id: str, seconds: float = 60.0) -> PredictionView:
        """Return the prediction once it is done or failed.

        Raises:
            TimeoutError: it takes longer than the seconds.
        """
        return self._wait_until(prediction_id, time.monotonic() + seconds)

    def _wait_until(self, prediction_id: str, deadline_s: float) -> PredictionView:
        while (left := deadline_s - time.monotonic()) > 0:
            wait_s = max(1, int(min(left, WAIT_S)))
            answer = self._call("GET", f"/api/v1/predictions/{prediction_id}", wait_s=wait_s, deadline_s=deadline_s)
            prediction = _shaped(PredictionView, answer)
            if prediction.finished_at:
                return prediction
        raise TimeoutError(f"no answer in time; the drawing is safe, ask again for {prediction_id}")

    def predict(self, png: bytes, seconds: float = 60.0) -> PredictionView:
        """Hand in a drawing and return its finished prediction."""
        return self.wait(self.submit(png).id, seconds)

    def correct(self, prediction_id: str, digits: str) -> None:
        """Tell what the drawing shows, left to right; "" when it is no digit."""
        headers = {"Content-Type": "application/json"}
        content = json.dumps({"digits": digits}).encode()
        self._call("PUT", f"/api/v1/predictions/{prediction_id}/label", content=content, headers=headers)

    def as_completed(self, prediction_ids: Iterable[str], seconds: float = 60.0) -> Iterator[PredictionView]:
        """Yield each prediction as it is finished; who leaves before the last one waits for no other.

        The seconds are for all of them together.

        Raises:
            QuillError, TimeoutError, httpx.HTTPError: the first that a call raised, once all others are yielded.
        """
        deadline_s = time.monotonic() + seconds
        errors: list[BaseException] = []
        pool = ThreadPoolExecutor(AT_A_TIME)
        try:
            for waited in as_done([pool.submit(self._wait_until, each, deadline_s) for each in prediction_ids]):
                if error := waited.exception():
                    errors.append(error)
                else:
                    yield waited.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if errors:
            raise errors[0]

    def status(self) -> StatusView:
        """Return how the service does."""
        return _shaped(StatusView, self._call("GET", "/api/v1/status"))

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        wait_s: int = 0,
        deadline_s: float = inf,
    ) -> bytes:
        """Call until the service answers with neither silence nor overload, as long as patience lasts.

        It is asked to wait for wait_s, and not called again after deadline_s on the monotonic clock.
        """
        deadline_s = min(deadline_s, time.monotonic() + self._patience_s)
        params = {"wait": wait_s} if wait_s else None
        while True:
            pause_s = PAUSE_S
            try:
                response = self._whole(
                    method, path, content=content, headers=headers, params=params, timeout=wait_s + ANSWER_S
                )
            except httpx.TransportError as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):  # the next try would meet the same one
                    raise httpx.HTTPError(f"{error}; SSL_CERT_FILE names an authority's file") from error
                if time.monotonic() + pause_s > deadline_s:
                    raise
            else:
                after = response.headers.get("Retry-After", "")
                pause_s = float(after) if after.isdecimal() else PAUSE_S  # a proxy may give a date
                if response.status_code not in RETRIED or time.monotonic() + pause_s > deadline_s:
                    return _content(response)
            time.sleep(pause_s)

    def _whole(self, method: str, path: str, *, timeout: float, **request: Any) -> httpx.Response:
        """Return the answer with its body, all of which must come in time: httpx bounds only each read by it."""
        late_s = time.monotonic() + timeout
        with self._http.stream(method, path, timeout=timeout, **request) as response:
            body = bytearray()
            for part in response.iter_raw():
                body += part
                if time.monotonic() > late_s:
                    raise httpx.ReadTimeout("the answer does not end")
        return httpx.Response(
            response.status_code, headers=response.headers, content=bytes(body), request=response.request
        )


def _content(response: httpx.Response) -> bytes:
    if response.is_success:
        return response.content
    if response.headers.get("Content-Type") == "application/problem+json":
        raise QuillError(_shaped(ProblemView, response.content))
    there = f" to {response.headers['Location']}" if response.has_redirect_location else ""
    told = f"not an answer of Quill but {response.status_code} {response.reason_phrase}{there}"
    raise httpx.HTTPStatusError(told, request=response.request, response=response)


def _shaped(shape: type[View], answer: bytes) -> View:
    try:
        return shape.model_validate_json(answer)
    except ValidationError as error:
        raise httpx.HTTPError("not an answer of Quill: is it another service's address?") from error
