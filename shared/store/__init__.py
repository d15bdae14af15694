"""Where predictions live: the port that web and worker see, and the one place that picks its adapter."""

from shared.settings import Settings
from shared.store.port import Position, Store, StoreUnavailableError

__all__ = ["Position", "Store", "StoreUnavailableError", "open_store"]


def open_store(settings: Settings) -> Store:
    """Return the store that settings.store_url names, by its scheme: sqlite or cassandra.

    Connecting is left to the first call, so that a store that is away stops nobody from starting.
    """
    # Imported here so that a process with one store needs only that store's driver.
    if settings.store_url.startswith("cassandra:"):
        from shared.store.cassandra import CassandraStore  # noqa: PLC0415 - see above

        return CassandraStore(settings)
    from shared.store.sqlite import SqliteStore  # noqa: PLC0415 - see above

    return SqliteStore(settings)
