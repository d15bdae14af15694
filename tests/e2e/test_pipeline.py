"""The processes together, as the README promises them: Cassandra's rows, a second worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from cassandra.cluster import Cluster  # pyright: ignore[reportMissingTypeStubs] - the driver has none

from tests.services.process import wait_until
from tests.services.quill import Quill

pytestmark = pytest.mark.e2e

SEVEN = Path("tests/seven.png").read_bytes()


def answered(quill: Quill) -> dict[str, Any]:
    """Send the drawing of a seven; return its prediction once it is done."""
    sent = requests.post(
        f"{quill.address}/api/v1/predictions", SEVEN, headers={"Content-Type": "image/png"}, timeout=30
    )
    sent.raise_for_status()
    place = f"{quill.address}{sent.headers['Location']}?wait=5"

    def done() -> dict[str, Any]:
        prediction = requests.get(place, timeout=30).json()
        return prediction if prediction["state"] == "done" else {}

    return wait_until(done, "the drawing is answered", 90)


@pytest.mark.integration
def test_cassandra_shows_each_prediction_where_the_seed_kept_it(
    new_quill: Callable[..., Quill], cassandra_url: str
) -> None:
    quill = new_quill(store_url=cassandra_url)
    quill.start_worker()
    quill.start_web()
    quill.wait_until_ready()
    prediction = answered(quill)

    address, keyspace = cassandra_url.removeprefix("cassandra://").split("/")
    host, port = address.split(":")
    cluster: Any = Cluster([host], int(port), protocol_version=5)
    try:
        (row,) = cluster.connect(keyspace).execute("select id, digits, upload_time from mnist1")
    finally:
        cluster.shutdown()
    assert (str(row.id), row.digits) == (prediction["id"], "7")
    assert row.upload_time.isoformat(timespec="milliseconds") == prediction["accepted_at"][:23]


def test_a_second_worker_shares_the_work(new_quill: Callable[..., Quill]) -> None:
    quill = new_quill()
    quill.start_web()
    quill.start_worker()
    quill.start_worker()
    names: set[str] = set()

    def both() -> bool:
        names.add(answered(quill)["worker"])
        return len(names) == 2

    wait_until(both, "both workers have answered", 120)
