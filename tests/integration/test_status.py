"""The status: backlog, rate and workers as they are, and what is wrong when something is."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from shared.contract import now_ms
from shared.queue import WORKER_KEY, tell_alive
from tests.services.process import free_port, wait_until
from tests.services.site import Site
from tests.services.store import a_job

pytestmark = pytest.mark.integration

ABOUT = {"model_version": "m-1", "batch_limit": 64, "batch_size": 3, "held": 5, "rate_per_s": 1.5}


def measured(site: Site) -> dict[str, Any]:
    site.measure()
    return site.client.get("/api/v1/status").get_json()


def test_an_idle_service_without_workers(site: Site) -> None:
    status = site.client.get("/api/v1/status")
    assert status.headers["Cache-Control"] == "no-store"
    assert status.get_json() == {
        "backlog": 0,
        "oldest_s": None,
        "rate_per_s": 0.0,
        "workers": [],
        "store": "ok",
        "queue": "ok",
    }


def test_the_backlog_its_oldest_and_the_rate(site: Site) -> None:
    first, second = site.draw()["id"], site.draw()["id"]
    assert measured(site)["backlog"] == 2
    assert measured(site)["oldest_s"] < 60
    site.store.add([old := a_job(now_ms() - 60_000)])
    assert 60 <= measured(site)["oldest_s"] < 120
    site.finish(old.id)
    site.finish(first)
    site.finish(second)
    assert measured(site)["backlog"] == 0
    wait_until(lambda: measured(site)["rate_per_s"] > 0, "the hints have come")


def test_a_drawing_from_a_clock_that_is_ahead_is_counted_and_no_fault_of_the_store(site: Site) -> None:
    site.store.add([a_job(now_ms() + 60_000)])
    status = measured(site)
    assert (status["backlog"], status["oldest_s"], status["store"]) == (1, None, "ok")


def test_the_workers_tell_of_themselves(site: Site) -> None:
    tell_alive(site.redis, "b", ABOUT)
    tell_alive(site.redis, "a", ABOUT)
    assert site.client.get("/api/v1/status").get_json()["workers"] == [{"name": "a", **ABOUT}, {"name": "b", **ABOUT}]


@pytest.mark.parametrize(
    "value",
    [
        "[1]",
        "7",
        "null",
        "no JSON",
        "[" * 10_000,
        b"\xff",
        "{}",
        '{"model_version": 7}',
        '{"model_version": "\\ud800"}',
        '{"model_version": "m"}',
    ],
)
def test_what_a_stranger_wrote_of_workers_is_passed_over(site: Site, value: str | bytes) -> None:
    tell_alive(site.redis, "w", ABOUT)
    for name in (b"stranger", b"\xff"):  # the second cannot be asked for by what it is decoded to
        site.redis.set(WORKER_KEY.encode() + name, value)
    assert site.client.get("/api/v1/status").get_json()["workers"] == [{"name": "w", **ABOUT}]
    assert ABOUT["model_version"] in site.client.get("/readyz").get_json()["model_versions"]
    assert site.client.get("/metrics").status_code == 200


def test_a_queue_that_is_away_is_told(new_site: Callable[..., Site]) -> None:
    site = new_site(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    status = site.client.get("/api/v1/status").get_json()
    assert "refused" in status["queue"]
    assert site.client.get("/healthz").status_code == 200  # a new process would find no queue, either
    assert (status["store"], status["workers"]) == ("ok", [])


def test_a_queue_that_is_full_is_told_and_no_worker_blamed(site: Site, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: site.redis.config_set("maxmemory", 0))
    site.redis.config_set("maxmemory", 1)
    assert "maxmemory" in site.client.get("/api/v1/status").get_json()["queue"]
    ready = site.client.get("/readyz").get_json()
    assert "maxmemory" in ready["queue"]
    assert ready["worker"].startswith("unknown")
    assert "quill_queue_messages" not in site.client.get("/metrics").text  # whose absence rings QuillQueueIsAway


def test_a_store_that_is_away_is_told_and_the_backlog_is_unknown(new_site: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    site = new_site(store_url=f"sqlite:///{tmp_path}/file/quill.db")
    status = site.client.get("/api/v1/status").get_json()
    assert status["backlog"] is None
    assert "SQLite" in status["store"]
    tell_alive(site.redis, "w", ABOUT)
    ready = site.client.get("/readyz")
    assert (ready.status_code, ready.get_json()["queue"], ready.get_json()["worker"]) == (503, "ok", "ok")
    assert "SQLite" in ready.get_json()["store"]


def test_a_store_that_reads_and_takes_no_writes_is_told_as_one_that_is_away(site: Site, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "quill.db", isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        wait_until(lambda: "another process keeps it locked" in measured(site)["store"], "it is told")
        assert "quill_backlog_jobs" not in site.client.get("/metrics").text  # whose absence rings QuillStoreIsAway
        assert "another process keeps it locked" in measured(site)["store"]  # still, not once in a while
        assert "another process keeps it locked" in site.client.get("/readyz").get_json()["store"]
    assert measured(site)["store"] == "ok"


def test_an_accepted_drawing_tells_how_many_are_ahead(site: Site) -> None:
    assert site.draw()["queued_behind"] == 0
    site.measure()
    assert site.draw()["queued_behind"] == 1
