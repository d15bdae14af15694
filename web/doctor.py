"""Finds what is wrong with an installation: settings, Redis, store, disk, model, workers; each fault with its cure."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from redis import AuthenticationError, Redis, RedisError

from shared.contract import now_ms
from shared.model_file import ModelError, proved
from shared.queue import model_versions, redis_client
from shared.settings import Settings, SettingsError
from shared.store import Store, StoreUnavailableError, open_store

ROOM = 200 * 1024 * 1024
OLD_S = 60  # a backlog whose oldest waits longer is a fault


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        fault: what is wrong, None when nothing is.
        cure: what to do about the fault.
    """

    what: str
    fault: str | None = None
    cure: str = ""


class FaultError(Exception):
    """Raised by a check that finds something wrong."""

    def __init__(self, fault: str, cure: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.cure = cure


def examine(*, room: int = ROOM) -> Iterator[Finding]:
    """Yield what each check found; without right settings nothing else can be looked at.

    Args:
        room: bytes that should be free on the store's disk.
    """
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        yield Finding("settings", str(error), "correct the variable; `python -m shared.settings` lists all")
        return
    yield Finding("settings")
    with closing(redis_client(settings)) as redis, closing(open_store(settings)) as store:
        yield _found("Redis", lambda: _check_redis(redis))
        yield _found("disk", lambda: _check_disk(settings, room))
        yield _found("store", lambda: _check_store(store))
        yield _found("model", lambda: proved(settings.model, settings.runtime))
        yield _found("workers", lambda: _check_workers(redis, settings))
        yield _found("backlog", lambda: _check_backlog(store))


def _found(what: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except (FaultError, ModelError) as error:
        return Finding(what, error.fault, error.cure)
    except (RedisError, StoreUnavailableError) as error:
        return Finding(what, f"cannot be asked: {error}", "first cure what is found above")
    except Exception as error:  # noqa: BLE001 - a doctor that dies of one fault tells of no other
        return Finding(what, f"{type(error).__name__}: {error}", "correct the setting that names it")
    return Finding(what)


def _check_redis(redis: Redis) -> None:
    try:
        policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    except AuthenticationError as error:
        raise FaultError(f"refuses the password: {error}", "put its password into QUILL_REDIS_URL") from error
    except RedisError as error:
        raise FaultError(f"does not answer: {error}", "start Redis, or correct QUILL_REDIS_URL") from error
    if policy != "noeviction":
        raise FaultError(f"may throw messages away: maxmemory-policy is {policy}", "set it to noeviction")
    try:
        model_versions(redis)  # which writes before it asks
    except RedisError as error:
        cure = "make room where it is full, or name one in QUILL_REDIS_URL that this user may write to"
        raise FaultError(f"takes no messages: {error}", cure) from error


def _check_disk(settings: Settings, room: int) -> None:
    if not settings.store_url.startswith("sqlite:"):
        return
    folder = Path(settings.store_url.removeprefix("sqlite:///")).absolute().parent
    present = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(present).free
    if free < room:
        raise FaultError(f"{free // 2**20} MB are left at {present}", "make room, or move QUILL_STORE_URL")


def _check_store(store: Store) -> None:
    try:
        store.ping()
    except StoreUnavailableError as error:
        raise FaultError(str(error), "mend what it says, or correct QUILL_STORE_URL") from error


def _check_workers(redis: Redis, settings: Settings) -> None:
    versions = set(model_versions(redis))
    if not versions:
        raise FaultError("none is alive", "start one: `python -m worker`, and see its log if it ends")
    if versions != {proved(settings.model, settings.runtime).version}:
        raise FaultError(f"hold other models than QUILL_MODEL: {', '.join(sorted(versions))}", "start them anew")


def _check_backlog(store: Store) -> None:
    oldest = store.unfinished(now_ms() - 1000 * OLD_S, 1)
    if oldest:
        waited_s = (now_ms() - oldest[0].accepted_ms) // 1000
        raise FaultError(f"the oldest drawing has waited {waited_s} s", "start more workers, and see their logs")
