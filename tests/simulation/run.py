"""One run: clients draw and forget while the seed's faults happen, then every promise is called in."""

from contextlib import suppress
from dataclasses import dataclass

from shared.contract import CLASSES, NAMES, Job, Prediction, State
from shared.store import StoreUnavailableError
from tests.simulation.parts import Memory, Redis, Store, must
from tests.simulation.pipeline import BAD, HANGING, KILLER, Web, Worker, picture
from tests.simulation.world import BrokenPromiseError, Life, World

DRAWING_MS = 60_000  # for so long clients draw and things break
RECOVERY_MS = 60_000  # after the last fault, for whatever may be lost or abandoned
KILLER_MS = 300_000  # until a job that keeps ending its process is given up
ODD_INKS = (BAD, KILLER, HANGING)


@dataclass(frozen=True)
class Design:
    """The parts that a run is made of; a planted bug replaces one."""

    store: type[Store] = Store
    web: type[Web] = Web
    worker: type[Worker] = Worker


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        broken: which promise, None when all were kept.
        story: the faults, in their order.
        submissions: how often each job was submitted.
    """

    broken: str | None
    story: list[str]
    submissions: dict[str, int]


class Run:
    """The whole of one seed."""

    def __init__(self, seed: int, design: Design, *, faults: bool = True) -> None:
        self.world = world = World(seed)
        self.store = design.store(world)
        self.redis = Redis(world)
        self.web = design.web(world, self.store, self.redis)
        self.workers = [design.worker(world, name, self.store, self.redis) for name in ("w1", "w2")]
        self.seen: dict[str, Prediction] = {}
        self.forgotten: set[str] = set()
        self.calm_ms = world.now_ms + DRAWING_MS
        self.odd = False
        self.recovery_ms = RECOVERY_MS
        self.clients = Life()
        for run in (self.draw, self.look, *([self.break_things] if faults else [])):
            world.schedule(self.clients, run)

    def outcome(self) -> Outcome:
        try:
            self.world.run(self.world.now_ms + DRAWING_MS)
            while self.world.now_ms < self.calm_ms + (KILLER_MS if self.odd else self.recovery_ms):
                self.world.run(self.world.now_ms + 1000)
                if self.world.now_ms > self.calm_ms and self.unanswered() == []:
                    break
            must(self.unanswered() == [], f"no answer for {self.unanswered()}")
            self.call_in()
        except BrokenPromiseError as broken:
            return Outcome(str(broken), self.world.story, self.redis.submissions)
        return Outcome(None, self.world.story, self.redis.submissions)

    def unanswered(self) -> list[str]:
        settled = self.store.answers.keys() | self.store.forgotten
        return [job_id for job_id in self.web.promised if job_id not in settled]

    def call_in(self) -> None:
        """Check every answer: there, the right one, and the one that was seen before."""
        self.check_seen()
        for job in self.web.promised.values():
            if job.id in self.forgotten or job.id in self.store.forgotten:
                continue
            answer = self.store.answers[job.id]
            inks = [ink[0] for ink in job.pictures]
            if any(ink in ODD_INKS for ink in inks):
                must(answer.state is State.FAILED, f"{job.id} has an answer that nobody can have given")
            else:
                must(answer.state is State.DONE, f"{job.id} is innocent and failed: {answer.error}")
                must(answer.digits == "".join(NAMES[ink] for ink in inks), f"{job.id} got another's answer")

    def check_seen(self) -> None:
        for job_id, answer in self.store.answers.items():
            must(self.seen.setdefault(job_id, answer) == answer, f"{job_id} was answered twice, differently")
        risen = self.forgotten & (self.store.jobs.keys() | self.store.answers.keys())
        must(not risen, f"forgotten and back: {risen}")

    def draw(self) -> None:
        chance = self.world.chance
        for number in range(chance.randint(5, 20)):
            self.world.sleep(chance.expovariate(0.4))
            if self.world.now_ms > self.calm_ms:
                return
            job = Job(f"00000000-0000-4000-8000-{number:012}", self.pictures(), self.web.process.clock())
            if self.web.process.alive:
                self.web.process.thread(lambda job=job: self.web.accept(job))

    def pictures(self) -> tuple[bytes, ...]:
        chance = self.world.chance
        ink = chance.choice(ODD_INKS) if chance.random() < 0.03 else chance.randrange(CLASSES)
        self.odd = self.odd or ink in (KILLER, HANGING)
        return (picture(ink), *(picture(chance.randrange(CLASSES)) for _ in range(chance.choice([0, 0, 0, 2]))))

    def look(self) -> None:
        """Read answers again and again, and forget some."""
        while True:
            self.world.sleep(1)
            self.check_seen()
            promised = list(self.web.promised)
            if promised and self.world.chance.random() < 0.05 and self.store.away_until_ms < self.world.now_ms:
                job_id = self.world.chance.choice(promised)
                with suppress(StoreUnavailableError):  # it may have gone since; what it forgot all the same it knows
                    self.store.forget(job_id)
                    self.forgotten.add(job_id)
                    self.seen.pop(job_id, None)

    def break_things(self) -> None:
        chance = self.world.chance
        for _ in range(chance.randint(0, 6)):
            self.world.sleep(chance.uniform(0, 15))
            if self.world.now_ms > self.calm_ms:
                return
            kind = chance.choice(FAULTS)
            seconds = chance.choice([0.5, 5, 40])
            self.world.say(f"{kind.__name__}, {seconds} s")
            kind(self, int(1000 * seconds))
            self.calm_ms = max(self.calm_ms, self.world.now_ms + int(1000 * seconds))


def kill_one(run: Run, _: int) -> None:
    run.world.chance.choice([run.web, *run.workers]).process.kill()


def kill_a_worker_in_its_call(run: Run, _: int) -> None:
    """Wait until a message is being taken or answered, then kill: what is in hand is lost or abandoned."""
    worker = run.world.chance.choice(run.workers)
    for _ in range(200):
        if run.redis.memory.unacked:
            break
        run.world.sleep(0.05)
    worker.process.kill()


def kill_all(run: Run, _: int) -> None:
    for part in (run.web, *run.workers):
        part.process.kill()
    lose_memory(run, 0)


def flush(run: Run, _: int) -> None:
    run.redis.memory = Memory()


def lose_memory(run: Run, milliseconds: int) -> None:
    run.redis.memory = Memory()
    restart(run, milliseconds)


def restart(run: Run, milliseconds: int) -> None:
    """Restart Redis from its file, without the latest messages."""
    for _ in range(run.world.chance.randint(0, 2)):
        if run.redis.memory.queue:
            run.redis.memory.queue.pop(0)
    run.redis.run_id += 1
    redis_away(run, milliseconds)


def redis_away(run: Run, milliseconds: int) -> None:
    run.redis.away_until_ms = run.world.now_ms + milliseconds


def store_away(run: Run, milliseconds: int) -> None:
    run.store.away_until_ms = run.world.now_ms + milliseconds


def set_a_clock(run: Run, milliseconds: int) -> None:
    """Let one machine's clock be wrong from now on: what is lost is found later by as much as two clocks disagree."""
    process = run.world.chance.choice([run.web, *run.workers]).process
    process.ahead_ms = run.world.chance.choice([-1, 1]) * milliseconds
    run.recovery_ms = max(run.recovery_ms, RECOVERY_MS + 2 * milliseconds)


FAULTS = (
    kill_one,
    kill_a_worker_in_its_call,
    kill_all,
    flush,
    lose_memory,
    restart,
    redis_away,
    store_away,
    set_a_clock,
)
