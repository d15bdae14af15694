"""What tests give to a store, and ask of it."""

from dataclasses import replace
from typing import Any

from shared.contract import PICTURE_BYTES, Job, Prediction, State, new_id, now_ms
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError, open_store
from tests.services.process import wait_until

NOW = now_ms()


def opened(settings: Settings) -> Store:
    """Return a store that works; Cassandra's first tables take some seconds, on a slow day a connection, too."""
    store = open_store(settings)
    wait_until(lambda: works(store), "the store works", seconds=180)
    return store


def works(store: Store) -> bool:
    """Tell whether the store can read and write now."""
    try:
        store.ping()
    except StoreUnavailableError:
        return False
    return True


def a_job(accepted_ms: int = NOW, pictures: int = 1) -> Job:
    return Job(new_id(), tuple(bytes([i + 1]) * PICTURE_BYTES for i in range(pictures)), accepted_ms)


def queued(job: Job) -> Prediction:
    return Prediction(job.id, job.pictures, job.accepted_ms)


def answered(job: Job, digits: str = "7", **details: Any) -> Prediction:
    return replace(queued(job), state=State.DONE, finished_ms=job.accepted_ms + 40, digits=digits, **details)
