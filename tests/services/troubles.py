"""Settings and doings that bring problems about, for the tests that want them told."""

from typing import Any

from werkzeug.test import TestResponse

from shared.contract import State
from tests.services.site import Site
from web.parts import Parts

SETTINGS: dict[str, dict[str, object]] = {
    "rate-limited": {"client_limit": 1},
    "overloaded": {"backlog_limit": 1},
    "store-unavailable": {"store_url": f"sqlite:///{__file__}/quill.db"},
}


def send_with_key(site: Site, body: bytes) -> TestResponse:
    headers = {"Idempotency-Key": "k"}
    return site.client.post("/api/v1/predictions", data=body, content_type="image/png", headers=headers)


def let_go(site: Site) -> None:
    """Answer all who wait at once with what is known, as a server does that is told to stop."""
    parts: Parts = site.app.extensions["quill"]
    parts.waiting.close()


def give_up_all(site: Site) -> None:
    """Be a worker that fails for good."""
    failed: dict[str, Any] = {"state": State.FAILED, "error": "given up", "probabilities": ()}
    site.on_submit = lambda jobs: [site.finish(job.id, "", **failed) for job in jobs]
