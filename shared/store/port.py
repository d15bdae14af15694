"""The port: what web and worker see of the place where predictions live, whichever database it is."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

from shared.contract import Job, Prediction


class StoreUnavailableError(Exception):
    """Raised when the store cannot do it now; nothing was promised, the same call may be made again later."""


class Position(NamedTuple):
    """A place in the history: newest first, ties by id."""

    accepted_ms: int
    id: str


class Store(Protocol):
    """Keeps predictions. Every method may be called by several threads and raises StoreUnavailableError within seconds.

    What is written is only ever added to (a job, its answer, its label), so that calls may be repeated and may
    arrive in any order: adding again, finishing again and forgetting again change nothing.
    """

    def add(self, jobs: Sequence[Job]) -> None:
        """Keep the jobs as queued predictions; durable on return, all or StoreUnavailableError."""
        ...

    def finish(self, predictions: Sequence[Prediction]) -> int:
        """Keep the answers (done or failed); durable on return. The first answer of a job stays for good.

        An id that was never added, or was forgotten, is passed over. Return how many of the others changed nothing,
        since their jobs had an answer already.
        """
        ...

    def get(self, ids: Collection[str]) -> dict[str, Prediction]:
        """Return the predictions by id; an id never added, or forgotten, is absent."""
        ...

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        """Return up to limit unfinished jobs accepted before before_ms (since 1970 UTC), oldest first."""
        ...

    def backlog(self) -> int:
        """Return how many jobs are accepted and not finished."""
        ...

    def history(self, limit: int, before: Position | None = None) -> list[Prediction]:
        """Return up to limit predictions, newest first, only those after the position `before` in that order."""
        ...

    def label(self, prediction_id: str, digits: str) -> bool:
        """Keep the person's correction, the last one stays; False for an id never added, or forgotten."""
        ...

    def corrections(self) -> Iterator[Prediction]:
        """Yield the predictions that carry a label, in no particular order."""
        ...

    def forget(self, prediction_id: str) -> None:
        """Remove all that is known of the id. A later finish, label or add does not bring it back."""
        ...

    def claim(self, key: str, digest: str, prediction_id: str) -> tuple[str, str]:
        """Bind an idempotency key for 24 hours to (digest, id), unless it is bound; return what it is bound to."""
        ...

    def purge(self) -> None:
        """Remove what is older than the retention, where the database does not do so by itself."""
        ...

    def ping(self) -> None:
        """Return when the store can read and write, else raise StoreUnavailableError."""
        ...

    def close(self) -> None:
        """Give back connections and files."""
        ...
