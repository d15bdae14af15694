"""How this process talks to Cassandra: one lazy session that comes back by itself, and errors told in words."""
# The driver has no types; what leaves this file has them.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cassandra import (
    AuthenticationFailed,
    OperationTimedOut,
    RequestExecutionException,
    Unauthorized,
    UnresolvableContactPoints,
)
from cassandra.cluster import Cluster, NoHostAvailable, Session
from cassandra.connection import ConnectionException
from cassandra.pool import NoConnectionsAvailable
from cassandra.query import BatchStatement, BatchType, PreparedStatement

from shared.settings import Settings
from shared.store.cassandra_cluster import RETRY_S, new_cluster
from shared.store.cassandra_schema import ensure_keyspace
from shared.store.port import StoreUnavailableError

FIRST_CONNECTION_S = 4.0  # what a caller waits for the first attempt; later ones fail at once until one succeeds
AT_ONCE = 64  # statements under way for one call: more would wait in the node until they time out
IN_A_BATCH = 100  # a node refuses batches over 50 KiB
NOT_NOW = (
    NoHostAvailable,
    OperationTimedOut,
    RequestExecutionException,
    ConnectionException,
    NoConnectionsAvailable,
    UnresolvableContactPoints,
    Unauthorized,
    OSError,
)

Row = dict[str, Any]
Values = Sequence[object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Link:
    """A session, and all statements prepared on it."""

    cluster: Cluster
    session: Session
    prepared: Mapping[str, PreparedStatement]


class CassandraConnection:
    """A session that is opened by the first call, in the process that calls, and again whenever no node is left.

    While there is none, a thread tries every second and calls fail at once with the last attempt's reason.

    Args:
        statements: all that will be run; prepared with the session, so that no call waits for that.
    """

    def __init__(self, settings: Settings, statements: Iterable[str]) -> None:
        self._settings = settings
        self._statements = frozenset(statements)
        self._hosts = settings.store_url.removeprefix("cassandra://").partition("/")[0]
        self._changed = threading.Condition()
        self._link: _Link | None = None
        self._failure: Exception | None = None
        self._begun = False  # once connecting has, a thread of its own sees to it
        self._closed = threading.Event()

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Return the rows that one statement gives."""
        return self.each(statement, [values])[0]

    def each(self, statement: str, rows_of_values: Sequence[Values]) -> list[list[Row]]:
        """Run the statement with each of the values at the same time; return the rows of each."""
        return self._run(lambda link: [link.prepared[statement].bind(values) for values in rows_of_values])

    def together(self, statement: str, partitions: Sequence[Sequence[Values]]) -> None:
        """Run the statement with all values of a partition as one write, the partitions at the same time."""

        def batch(link: _Link, rows_of_values: Sequence[Values]) -> BatchStatement:
            whole = BatchStatement(BatchType.UNLOGGED)
            for values in rows_of_values:
                whole.add(link.prepared[statement].bind(values))
            return whole

        self._run(lambda link: [batch(link, part) for rows in partitions for part in _parts(rows, IN_A_BATCH)])

    def close(self) -> None:
        """Close the session and stop trying."""
        self._closed.set()
        with self._changed:
            if self._link:
                self._link.cluster.shutdown()
                self._link = None

    def _run(self, statements: Callable[[_Link], Sequence[Any]]) -> list[list[Row]]:
        link = self._linked()
        try:
            return [rows for part in _parts(statements(link), AT_ONCE) for rows in _rows_of(link, part)]
        except NOT_NOW as error:
            if isinstance(error, NoHostAvailable):
                self._lose(link, error)
            raise self._told(error) from error

    def _linked(self) -> _Link:
        with self._changed:
            if not self._begun:
                self._begun = True
                self._start_connecting()
            self._changed.wait_for(lambda: self._link or self._failure, FIRST_CONNECTION_S)
            if self._link:
                return self._link
            failure = self._failure or TimeoutError(f"no connection within {FIRST_CONNECTION_S:g} s, still trying")
        if not isinstance(failure, NOT_NOW):
            raise failure
        raise self._told(failure) from failure

    def _lose(self, link: _Link, error: Exception) -> None:
        """Start over: the nodes' addresses may have changed, and the driver resolves names only once."""
        with self._changed:
            if self._link is link:
                self._link, self._failure = None, error
                self._start_connecting(link)

    def _start_connecting(self, lost: _Link | None = None) -> None:
        threading.Thread(target=self._connect_in_the_end, args=[lost], name="cassandra", daemon=True).start()

    def _connect_in_the_end(self, lost: _Link | None) -> None:
        if lost:
            lost.cluster.shutdown()
        while not self._closed.is_set():
            link, failure = self._attempt()
            with self._changed:
                self._link, self._failure = link, failure
                self._changed.notify_all()
            if link:
                break
            self._closed.wait(RETRY_S)
        if self._closed.is_set():
            self.close()  # again: it came while the attempt was under way

    def _attempt(self) -> tuple[_Link | None, Exception | None]:
        cluster = None
        try:
            cluster = new_cluster(self._settings, self._hosts.split(","))
            session = cluster.connect()
            session.set_keyspace(ensure_keyspace(cluster, session, self._settings))
            prepared = {statement: session.prepare(statement) for statement in self._statements}
        except Exception as error:  # noqa: BLE001 - every caller is told, and the thread must go on
            if cluster:
                cluster.shutdown()
            return None, error
        return _Link(cluster, session, prepared), None

    def _told(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(f"Cassandra at {self._hosts}: {self._reason(error)}")

    def _reason(self, error: Exception) -> str:
        if isinstance(error, OperationTimedOut):
            return f"no answer within {self._settings.cassandra_timeout_s} s (see QUILL_CASSANDRA_TIMEOUT_S)"
        if isinstance(error, UnresolvableContactPoints):  # whose text is an empty {}
            return "cannot be resolved to an address (see QUILL_STORE_URL)"
        if not isinstance(error, NoHostAvailable):
            return str(error) or type(error).__name__
        if not isinstance(error.errors, dict):  # no host was even tried
            return f"no node of data centre {self._settings.cassandra_datacenter} (see QUILL_CASSANDRA_DATACENTER)"
        causes = error.errors.values()
        hint = (
            " (see QUILL_CASSANDRA_USERNAME and QUILL_CASSANDRA_PASSWORD)"
            if any(isinstance(cause, AuthenticationFailed) for cause in causes)
            else ""
        )
        return ("; ".join(map(str, causes)) or "no node is reachable") + hint


def _rows_of(link: _Link, statements: Sequence[Any]) -> list[list[Row]]:
    futures = [link.session.execute_async(statement) for statement in statements]
    return [list(future.result()) for future in futures]


def _parts(whole: Sequence[T], size: int) -> list[Sequence[T]]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]
