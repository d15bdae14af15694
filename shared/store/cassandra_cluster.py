"""How Cassandra's driver is set up: which nodes, how sure, how long, and with whose password."""
# The driver has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import ssl
from collections.abc import Iterable

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import ConstantReconnectionPolicy, DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import ConsistencyLevel, dict_factory

from shared.settings import Settings

RETRY_S = 1.0  # between attempts to reach a node that is away, for ever
PORT = 9042
PROTOCOL = 4  # 5 adds checksums, which TCP and TLS have; the driver's, in Python, take a sixth of a statement's CPU

CONSISTENCY = {
    "ONE": ConsistencyLevel.ONE,
    "QUORUM": ConsistencyLevel.QUORUM,
    "LOCAL_QUORUM": ConsistencyLevel.LOCAL_QUORUM,
}


def new_cluster(settings: Settings, hosts: Iterable[str]) -> Cluster:
    """Return the driver's cluster, which connects when it is asked to.

    Args:
        settings: user, TLS, data centre, consistency and patience.
        hosts: the nodes to ask first, HOST or HOST:PORT.
    """
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.cassandra_datacenter)),
        consistency_level=CONSISTENCY[settings.cassandra_consistency],
        serial_consistency_level=_serial(settings),
        request_timeout=settings.cassandra_timeout_s,
        row_factory=dict_factory,
    )
    return Cluster(
        [_contact_point(host) for host in hosts],
        protocol_version=PROTOCOL,
        auth_provider=_auth(settings),
        ssl_context=_tls(settings),
        reconnection_policy=ConstantReconnectionPolicy(RETRY_S, None),  # pyright: ignore[reportArgumentType] - for ever
        connect_timeout=settings.cassandra_timeout_s,
        control_connection_timeout=settings.cassandra_timeout_s,
        idle_heartbeat_interval=5,
        idle_heartbeat_timeout=3,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )


def _contact_point(host: str) -> tuple[str, int]:
    name, _, port = host.partition(":")
    return name, int(port or PORT)


def _serial(settings: Settings) -> int:
    local = settings.cassandra_consistency != "QUORUM"
    return ConsistencyLevel.LOCAL_SERIAL if local else ConsistencyLevel.SERIAL


def _auth(settings: Settings) -> PlainTextAuthProvider | None:
    if not settings.cassandra_username:
        return None
    return PlainTextAuthProvider(settings.cassandra_username, settings.cassandra_password.get_secret_value())


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.cassandra_ca_file:
        return None
    return ssl.create_default_context(cafile=str(settings.cassandra_ca_file))
