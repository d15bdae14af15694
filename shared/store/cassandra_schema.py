"""Quill's tables in Cassandra, made when they are absent."""

from typing import Any

from shared.settings import Settings

CHANGE_S = 10.0  # for one change of the schema, which waits for all nodes
BUCKETED = "compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS'}"
# As in the seed; what Quill adds is added below, so that a table of the seed's is taken over with its rows.
MNIST1 = "CREATE TABLE IF NOT EXISTS mnist1 (id uuid PRIMARY KEY, digits text, upload_time timestamp)"
ADDED = {
    "pictures": "blob",
    "finished_ms": "bigint",
    "answer": "text",
    "label_digits": "text",
    "forgotten": "boolean",
}
TABLES = {
    "accepted": f"""(minute bigint, accepted_ms bigint, id uuid, noted_ms bigint, PRIMARY KEY (minute, accepted_ms, id))
        WITH CLUSTERING ORDER BY (accepted_ms DESC, id DESC) AND {BUCKETED}""",
    "finished": f"""(minute bigint, accepted_ms bigint, id uuid, PRIMARY KEY (minute, accepted_ms, id))
        WITH {BUCKETED}""",
    "minutes": f"""(month bigint, minute bigint, PRIMARY KEY (month, minute))
        WITH CLUSTERING ORDER BY (minute DESC) AND {BUCKETED}""",
    "watermark": "(name text PRIMARY KEY, minute bigint, late uuid)",
    "corrected": f"(day bigint, id uuid, PRIMARY KEY (day, id)) WITH {BUCKETED}",
    "claims": "(key text PRIMARY KEY, digest text, id uuid)",
}


def ensure_keyspace(cluster: Any, session: Any, settings: Settings) -> str:
    """Return the name of the keyspace, with all tables there.

    Nothing is changed where all is there already: in production the user may lack the right to.
    """
    keyspace = settings.store_url.rpartition("/")[2]
    if not _complete(cluster.metadata.keyspaces.get(keyspace)):
        # All processes ask the same node, which does one change at a time: two nodes could make one table twice.
        first = min(cluster.metadata.all_hosts(), key=lambda host: str(host.address))
        for statement in _statements(keyspace, settings):
            session.execute(statement, timeout=CHANGE_S, host=first)
    return keyspace


def _complete(keyspace: Any) -> bool:
    if keyspace is None or not keyspace.tables.keys() >= {"mnist1", *TABLES}:
        return False
    return keyspace.tables["mnist1"].columns.keys() >= ADDED.keys()


def _statements(keyspace: str, settings: Settings) -> list[str]:
    replication_class, factor = settings.cassandra_replication_class, settings.cassandra_replication_factor
    copies = settings.cassandra_datacenter if replication_class == "NetworkTopologyStrategy" else "replication_factor"
    quoted = f'"{keyspace}"'  # it may be a word of CQL
    columns = ", ".join(f"{name} {kind}" for name, kind in ADDED.items())
    return [
        f"CREATE KEYSPACE IF NOT EXISTS {quoted} "
        f"WITH replication = {{'class': '{replication_class}', '{copies}': {factor}}}",
        MNIST1.replace("mnist1", f"{quoted}.mnist1"),
        f"ALTER TABLE {quoted}.mnist1 ADD IF NOT EXISTS ({columns})",
        *(f"CREATE TABLE IF NOT EXISTS {quoted}.{name} {rest}" for name, rest in TABLES.items()),
    ]
