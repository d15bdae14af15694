"""The metrics of one web process: each counts what its line in the documentation says."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from shared.contract import Prediction, State
from shared.queue import QUEUE, UNACKED_KEY, tell_alive
from tests.services.metrics import samples
from tests.services.pngs import SEVEN, SEVEN_URL
from tests.services.process import free_port
from tests.services.site import Site
from worker.counts import REGISTRY as WORKER
from worker.tally import Tally

pytestmark = pytest.mark.integration

TABLE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<where>web|worker) \| (?P<kind>\w+) \|(?P<labels>[^|]*)\|", re.MULTILINE)


def shown(site: Site) -> dict[str, float]:
    """Return the samples of the site's metrics page."""
    return samples(site.client.get("/metrics").text)


def grown(site: Site, name: str, act: Callable[[], object]) -> float:
    """Return how much a counter grows by the act."""
    before = shown(site).get(name, 0)
    act()
    return shown(site).get(name, 0) - before


def told(where: str) -> dict[str, set[str]]:
    """Return the labels of each metric that the documentation knows at the place."""
    rows = ROW.finditer(TABLE.read_text())
    return {row["name"]: set(re.findall(r"`(\w+)`", row["labels"])) for row in rows if row["where"] == where}


def given(families: Iterable[Metric]) -> dict[str, set[str]]:
    """Return the labels of each metric that is there; `le` is the histograms' own."""
    return {
        f.name + ("_total" if f.type == "counter" else ""): {label for sample in f.samples for label in sample.labels}
        - {"le"}
        for f in families
    }


def test_the_table_holds_every_metric_of_web_and_nothing_else(site: Site) -> None:
    site.client.get("/nowhere")
    tell_alive(site.redis, "w", {"model_version": "m"})
    assert told("web") == given(text_string_to_metric_families(site.client.get("/metrics").text))


def test_the_table_holds_every_metric_of_workers_and_nothing_else() -> None:
    tally = Tally("m")
    tally.answered([Prediction("i", (), 0, state=State.DONE, stage_ms={"queued": 1})])
    assert told("worker") == given(WORKER.collect())


def test_a_worker_shows_how_many_failed_before_one_does() -> None:
    """Else the first scrape after it would be the first of its series, from which no alert can tell a rise."""
    Tally("new")
    for state in ("done", "failed"):
        assert WORKER.get_sample_value("quill_predictions_total", {"state": state, "model_version": "new"}) == 0


def test_each_accepted_drawing_is_counted(site: Site) -> None:
    batch = {"drawings": [{"image": SEVEN_URL}, {"image": "no drawing"}, {"image": SEVEN_URL}]}
    assert grown(site, "quill_accepted_total", site.draw) == 1
    assert grown(site, "quill_accepted_total", lambda: site.client.post("/api/v1/predictions/batch", json=batch)) == 2


def test_a_drawing_that_was_sent_again_is_counted_as_a_repeat(site: Site) -> None:
    site.draw(Idempotency_Key="k")
    assert grown(site, "quill_accepted_total", lambda: site.draw(Idempotency_Key="k")) == 0
    assert grown(site, "quill_repeats_total", lambda: site.draw(Idempotency_Key="k")) == 1


def test_a_correction_is_counted(site: Site) -> None:
    address = f"/api/v1/predictions/{site.draw()['id']}/label"
    assert grown(site, "quill_corrections_total", lambda: site.client.put(address, json={"digit": 1})) == 1


def test_a_refusal_is_counted_by_its_kind(site: Site) -> None:
    blank = lambda: site.client.post("/api/v1/predictions", data=SEVEN[:50], content_type="image/png")  # noqa: E731
    assert grown(site, 'quill_problems_total{type="undecodable-image"}', blank) == 1


def test_the_backlog_is_that_of_the_store(site: Site) -> None:
    assert shown(site)["quill_backlog_jobs"] == 0
    assert shown(site)["quill_backlog_oldest_seconds"] == 0
    site.draw()
    site.measure()
    assert shown(site)["quill_backlog_jobs"] == 1
    assert shown(site)["quill_backlog_oldest_seconds"] > 0


def test_messages_are_counted_where_they_are(site: Site) -> None:
    site.redis.rpush(QUEUE, "a", "b")
    site.redis.hset(UNACKED_KEY, "tag", "c")
    assert shown(site)['quill_queue_messages{state="waiting"}'] == 2
    assert shown(site)['quill_queue_messages{state="unacknowledged"}'] == 1


def test_live_workers_are_counted_by_their_model(site: Site) -> None:
    for name in "abc":
        tell_alive(site.redis, name, {"model_version": "m-2" if name == "c" else "m-1"})
    assert shown(site)['quill_workers{model_version="m-1"}'] == 2
    assert shown(site)['quill_workers{model_version="m-2"}'] == 1


def test_what_cannot_be_known_is_absent(new_site: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store_url = f"sqlite:///{tmp_path}/file/quill.db"
    site = new_site(store_url=store_url, redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    assert not {name for name in shown(site) if name.startswith(("quill_backlog", "quill_queue", "quill_workers"))}
