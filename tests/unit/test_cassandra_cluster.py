"""What Cassandra's driver is told, which a single node that is well never shows."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import pytest
from cassandra import ConsistencyLevel  # pyright: ignore[reportMissingTypeStubs] - the driver has none

from shared.settings import Settings
from shared.store.cassandra_cluster import new_cluster

HOSTS = ["127.0.0.1", "127.0.0.2:9999"]


@pytest.mark.parametrize(
    ("setting", "agreed", "serial"),
    [
        ("ONE", ConsistencyLevel.ONE, ConsistencyLevel.LOCAL_SERIAL),
        ("LOCAL_QUORUM", ConsistencyLevel.LOCAL_QUORUM, ConsistencyLevel.LOCAL_SERIAL),
        ("QUORUM", ConsistencyLevel.QUORUM, ConsistencyLevel.SERIAL),
    ],
)
def test_as_many_replicas_agree_as_the_setting_says_on_first_answers_too(
    setting: Literal["ONE", "QUORUM", "LOCAL_QUORUM"], agreed: int, serial: int
) -> None:
    cluster: Any = new_cluster(Settings(cassandra_consistency=setting), HOSTS)
    profile = cluster.profile_manager.default
    assert (profile.consistency_level, profile.serial_consistency_level) == (agreed, serial)


def test_a_cassandra_that_hangs_costs_what_the_setting_says_and_one_that_is_away_is_tried_for_ever() -> None:
    cluster: Any = new_cluster(Settings(cassandra_timeout_s=7), HOSTS)
    assert cluster.profile_manager.default.request_timeout == 7
    assert (cluster.connect_timeout, cluster.control_connection_timeout) == (7, 7)
    assert cluster.idle_heartbeat_interval + cluster.idle_heartbeat_timeout < 10  # until a dead line is noticed
    pauses_s: Iterator[float] = cluster.reconnection_policy.new_schedule()
    assert list(islice(pauses_s, 100)) == [1.0] * 100


def test_each_node_is_asked_at_its_own_port() -> None:
    cluster: Any = new_cluster(Settings(), HOSTS)
    assert [(node.address, node.port) for node in cluster.endpoints_resolved] == [
        ("127.0.0.1", 9042),
        ("127.0.0.2", 9999),
    ]
