"""The fakes at the ports: a store, and a Redis with what kombu does on it. Everything they do may fail on the way."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import RedisError

from shared.contract import Job, Prediction
from shared.queue import SUBMITTED_HEADER
from shared.store import StoreUnavailableError
from tests.simulation.world import BrokenPromiseError, World

VISIBILITY_MS = 30_000


class Store:
    """Keeps what it was given through every fault, except that it may be away."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.away_until_ms = 0
        self.jobs: dict[str, Job] = {}
        self.answers: dict[str, Prediction] = {}
        self.forgotten: set[str] = set()

    def add(self, jobs: Sequence[Job]) -> None:
        with self.world.call(self._away):
            self.jobs |= {job.id: job for job in jobs if job.id not in self.forgotten | self.jobs.keys()}

    def finish(self, predictions: Sequence[Prediction]) -> None:
        with self.world.call(self._away):
            for prediction in predictions:
                self.write(prediction)

    def write(self, prediction: Prediction) -> None:
        """Keep the first answer of a known job."""
        if prediction.id in self.jobs:
            self.answers.setdefault(prediction.id, prediction)

    def unfinished(self, before_ms: int, limit: int) -> list[Job]:
        with self.world.call(self._away):
            old = [job for job in self.jobs.values() if job.accepted_ms < before_ms and job.id not in self.answers]
            return sorted(old, key=lambda job: job.accepted_ms)[:limit]

    def answered(self, ids: Collection[str]) -> set[str]:
        with self.world.call(self._away):
            return set(ids) & self.answers.keys()

    def forget(self, prediction_id: str) -> None:
        with self.world.call(self._away):
            self.jobs.pop(prediction_id, None)
            self.answers.pop(prediction_id, None)
            self.forgotten.add(prediction_id)

    def is_settled(self, ids: Collection[str]) -> bool:
        """Tell, without a call, whether none of these jobs still needs an answer."""
        return all(job_id in self.answers or job_id not in self.jobs for job_id in ids)

    def _away(self) -> Exception | None:
        return StoreUnavailableError("away") if self.world.now_ms < self.away_until_ms else None


@dataclass
class Message:
    jobs: Sequence[Job]
    submitted_ms: int


@dataclass
class Memory:
    """What a flush or an empty restart takes."""

    queue: list[Message] = field(default_factory=list[Message])  # the next one last, as in kombu's list
    unacked: dict[int, tuple[int, Message]] = field(default_factory=dict[int, tuple[int, Message]])
    keys: dict[str, tuple[str, int | None]] = field(default_factory=dict[str, tuple[str, int | None]])
    counts: dict[str, int] = field(default_factory=dict[str, int])


class Redis:
    """The commands that Sweeper and Attempts give, and the queue as kombu 5.7 keeps it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()
        self.run_id = 1
        self.away_until_ms = 0
        self.submissions: dict[str, int] = {}
        self._tag = 0

    def submit(self, jobs: Sequence[Job], now_ms: int) -> None:
        with self.world.call(self._away):
            self.memory.queue.insert(0, Message(jobs, now_ms))
            for job in jobs:
                self.submissions[job.id] = self.submissions.get(job.id, 0) + 1

    def take(self, clock: Callable[[], int]) -> tuple[int, Message] | None:
        """Pop a message, then note it: a process killed between the two takes the message along."""
        with self.world.call(self._away):
            if not self.memory.queue:
                return None
            message = self.memory.queue.pop()
        with self.world.call(self._away):
            self._tag += 1
            tag = self._tag
            self.memory.unacked[tag] = (clock(), message)
        return tag, message

    def acknowledge(self, tag: int) -> None:
        with self.world.call(self._away):
            self.memory.unacked.pop(tag, None)

    def restore(self, clock: Callable[[], int]) -> None:
        """Put back what was noted and not acknowledged in time, as this worker's clock has it."""
        with self.world.call(self._away):
            for tag, (noted_ms, message) in list(self.memory.unacked.items()):
                if clock() - noted_ms > VISIBILITY_MS:
                    del self.memory.unacked[tag]
                    self.memory.queue.append(message)

    def set(self, name: str, value: str, *, nx: bool = False, xx: bool = False, ex: int | None = None) -> bool:
        with self.world.call(self._away):
            there = self._alive(name) is not None
            if (nx and there) or (xx and not there):
                return False
            self.set_key(name, value, ex)
            return True

    def set_key(self, name: str, value: str, seconds: int | None = None) -> None:
        self.memory.keys[name] = (value, seconds and self.world.now_ms + 1000 * seconds)

    def get(self, name: str) -> str | None:
        with self.world.call(self._away):
            return self._alive(name)

    def delete(self, name: str) -> None:
        with self.world.call(self._away):
            self.memory.keys.pop(name, None)

    def expire(self, name: str, seconds: int) -> bool:
        with self.world.call(self._away):
            value = self._alive(name)
            if value is None:
                return False
            self.set_key(name, value, seconds)
            return True

    def info(self, _: str) -> dict[str, Any]:
        with self.world.call(self._away):
            return {"run_id": str(self.run_id)}

    def lindex(self, _: str, __: int) -> str | None:
        with self.world.call(self._away):
            if not self.memory.queue:
                return None
            return json.dumps({"headers": {SUBMITTED_HEADER: self.memory.queue[-1].submitted_ms}})

    def pipeline(self, **_: Any) -> "Pipeline":
        return Pipeline(self)

    def hdel(self, _: str, *ids: str) -> None:
        with self.world.call(self._away):
            for job_id in ids:
                self.memory.counts.pop(job_id, None)

    def execute(self, commands: Sequence[Callable[[Memory], int]]) -> list[int]:
        with self.world.call(self._away):
            return [command(self.memory) for command in commands]

    def _alive(self, name: str) -> str | None:
        value, until_ms = self.memory.keys.get(name, (None, None))
        return value if until_ms is None or self.world.now_ms < until_ms else None

    def _away(self) -> Exception | None:
        return RedisError("away") if self.world.now_ms < self.away_until_ms else None


class Pipeline:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._commands: list[Callable[[Memory], int]] = []

    def hincrby(self, _: str, job_id: str, amount: int) -> None:
        def command(memory: Memory) -> int:
            memory.counts[job_id] = memory.counts.get(job_id, 0) + amount
            return memory.counts[job_id]

        self._commands.append(command)

    def expire(self, _: str, __: int) -> None:
        self._commands.append(lambda _: 1)

    def execute(self) -> list[int]:
        return self._redis.execute(self._commands)


def must(true: bool, what: str) -> None:
    if not true:
        raise BrokenPromiseError(what)
