"""Web and workers of the simulation: the order of their steps is Quill's, and so are the parts that think."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from redis import RedisError

from shared.contract import CLASSES, PICTURE_BYTES, Job, Prediction
from shared.queue import SubmitError
from shared.store import StoreUnavailableError
from tests.simulation.parts import VISIBILITY_MS, Message, Redis, Store, must
from tests.simulation.world import Killed, Process, World
from worker.answering import Answering, Arrival
from worker.attempts import Attempts
from worker.sweeper import PERIOD_S, Sweeper
from worker.unanswered import Unanswered

BAD, KILLER, HANGING = 255, 254, 253  # ink that the model does not survive; other ink is the number of the class
HANG_S = 20
MAX_ATTEMPTS = 5
MESSAGES = 3  # most that a worker takes at a time


def picture(ink: int) -> bytes:
    return bytes([ink]) * PICTURE_BYTES


class Web:
    """Accepts jobs as web.intake does: durable first, then promised and submitted."""

    def __init__(self, world: World, store: Store, redis: Redis) -> None:
        self.world = world
        self.store = store
        self.redis = redis
        self.promised: dict[str, Job] = {}  # what clients hold a 202 for
        self.process = Process(world, "web", self.start)

    def start(self, process: Process) -> None:
        self.waiting: list[Job] = []

    def accept(self, job: Job) -> None:
        try:
            self.store.add([job])
        except StoreUnavailableError:
            return
        self.waiting.append(job)
        self.process.thread(self.courier)
        self.promise(job)

    def promise(self, job: Job) -> None:
        must(job.id in self.store.jobs, "a promise was given for a job that is not durable")
        self.promised[job.id] = job

    def courier(self) -> None:
        jobs, self.waiting = self.waiting, []
        while jobs:
            try:
                self.redis.submit(jobs, self.process.clock())
                break
            except RedisError:
                self.world.sleep(1)


class Model:
    """Answers with the ink; some inks end the process in a call."""

    version = "simulated"
    threshold = 0.5

    def __init__(self, world: World, process: Process) -> None:
        self.world = world
        self.process = process

    def classify(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.world.sleep(self.world.chance.uniform(0.001, 0.3))
        inks = pictures[:, 0, 0]
        if HANGING in inks:
            self.world.sleep(HANG_S)
        if KILLER in inks or HANGING in inks:
            self.process.kill()
            raise Killed
        if BAD in inks:
            raise ValueError("bad ink")
        return np.eye(CLASSES, dtype=np.float32)[inks]


class Worker:
    """Takes messages, answers, keeps, acknowledges; sweeps. Answering, Attempts and Sweeper are the real ones."""

    visibility_s = VISIBILITY_MS // 1000

    def __init__(self, world: World, name: str, store: Store, redis: Redis) -> None:
        self.world = world
        self.store = store
        self.redis = redis
        self.lives = 0
        self.process = Process(world, name, self.start)

    def start(self, process: Process) -> None:
        self.lives += 1
        redis = cast("Any", self.redis)
        name = f"{process.name}, life {self.lives}"
        model = Model(self.world, process)
        self.answering = Answering(model, Attempts(redis), keep=self.keep, worker=name, max_attempts=MAX_ATTEMPTS)
        self.sweeper = Sweeper(
            cast("Any", self.store),
            redis,
            self.submit,
            worker=name,
            visibility_s=self.visibility_s,
            clock=process.clock,
        )
        for run in (self.consume, self.sweep, self.restore):
            process.thread(run)

    def consume(self) -> None:
        while True:
            try:
                taken = [self.redis.take(self.process.clock) for _ in range(self.world.chance.randint(1, MESSAGES))]
            except RedisError:
                self.world.sleep(2)
                continue
            held = [entry for entry in taken if entry]
            if held:
                self.handle(held)
            else:
                self.world.sleep(1)

    def handle(self, held: Sequence[tuple[int, Message]]) -> None:
        jobs = [job for _, message in held for job in message.jobs]
        late_s = self.world.chance.choice((0, 10**9))  # in both ways: the store is asked for all, or for none
        answers = Unanswered(self.answering.answer, self.kept, late_s).answer(
            [Arrival(job, 0.0, job.accepted_ms) for job in jobs]
        )
        self.keep([prediction for prediction in answers if prediction])
        for tag, message in held:
            self.acknowledge(tag, message)

    def kept(self, ids: Collection[str]) -> set[str]:
        try:
            return self.store.answered(ids)
        except StoreUnavailableError:
            return set()

    def keep(self, predictions: Sequence[Prediction]) -> None:
        while True:
            try:
                self.store.finish(predictions)
                break
            except StoreUnavailableError:
                self.world.sleep(1)
        with suppress(RedisError):
            self.redis.hdel("attempts", *(prediction.id for prediction in predictions if prediction.batch_size))

    def acknowledge(self, tag: int, message: Message) -> None:
        settled = self.store.is_settled([job.id for job in message.jobs])
        must(settled, "a message was acknowledged before its answers were durable")
        with suppress(RedisError):
            self.redis.acknowledge(tag)

    def submit(self, jobs: Sequence[Job]) -> None:
        try:
            self.redis.submit(jobs, self.process.clock())
        except RedisError as error:
            raise SubmitError(str(error)) from error

    def sweep(self) -> None:
        while True:
            with suppress(RedisError, SubmitError, StoreUnavailableError):
                self.sweeper.sweep()
            self.world.sleep(PERIOD_S)

    def restore(self) -> None:
        while True:
            with suppress(RedisError):
                self.redis.restore(self.process.clock)
            self.world.sleep(5)
