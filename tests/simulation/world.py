"""Time, chance and processes of the simulation. The same seed gives the same run, to the letter."""

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush

from greenlet import getcurrent, greenlet

STEP_MS = 40  # most that passes between two steps


class Killed(BaseException):
    """Raised in a process that is dead, wherever it was."""


class BrokenPromiseError(Exception):
    """Raised when the run shows what must never be."""


class Process:
    """One process: threads that all end when it is killed, and a start of its own afterwards.

    Attributes:
        ahead_ms: by how much its clock is ahead of the world's.
    """

    def __init__(self, world: "World", name: str, start: Callable[["Process"], None]) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.ahead_ms = 0
        self._start = start
        self.start()

    def start(self) -> None:
        self.alive = True
        self.life = Life()
        self._start(self)

    def clock(self) -> int:
        """Return what it takes for now, ms."""
        return self.world.now_ms + self.ahead_ms

    def thread(self, run: Callable[[], None]) -> None:
        """Let run take its turns until it returns or this life of the process ends."""
        self.world.schedule(self.life, run)

    def kill(self) -> None:
        """Kill it; its supervisor starts it again some seconds later."""
        if self.alive:
            self.alive = self.life.lasts = False
            self.world.say(f"{self.name} is killed")
            self.world.later(self.world.chance.randint(1000, 5000), self.start)


class Life:
    """What begins with a start and ends with a kill."""

    lasts = True


class Thread(greenlet):
    """Real code that runs until its next call of a port, where any other thread may go on instead."""

    def __init__(self, life: Life, run: Callable[[], None], scheduler: greenlet) -> None:
        super().__init__(self._run_until_killed, scheduler)
        self.life = life
        self._code = run

    def _run_until_killed(self) -> None:
        with suppress(Killed):
            self._code()


class World:
    """The scheduler: it picks who goes on, and lets time pass."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.now_ms = 1_000_000
        self.story: list[str] = []
        self._ready: list[Thread] = []
        self._asleep: list[tuple[int, int, Thread | Callable[[], None]]] = []
        self._count = 0
        self._scheduler = getcurrent()

    def say(self, what: str) -> None:
        self.story.append(f"{self.now_ms - 1_000_000:>7} ms  {what}")

    def schedule(self, life: Life, run: Callable[[], None]) -> None:
        """Let run take its turns for as long as the life lasts."""
        self._ready.append(Thread(life, run, self._scheduler))

    def later(self, milliseconds: int, what: Callable[[], None]) -> None:
        self._sleep(milliseconds, what)

    def step(self) -> None:
        """Give way to whoever is next; called before and after each effect on a port."""
        me = self._me()
        self._ready.append(me)
        self._pause(me)

    def sleep(self, seconds: float) -> None:
        me = self._me()
        self._sleep(int(1000 * seconds), me)
        self._pause(me)

    def run(self, until_ms: int) -> None:
        """Let everybody run until the time has come."""
        while self.now_ms < until_ms:
            self._wake()
            if not self._ready:
                self.now_ms = self._asleep[0][0]
                continue
            thread = self._ready.pop(int(self.chance.random() * len(self._ready)))
            if thread.life.lasts:
                thread.switch()
            self.now_ms += int(self.chance.random() * STEP_MS)

    @contextmanager
    def call(self, away: Callable[[], Exception | None]) -> Generator[None]:
        """Surround an effect on a port: it may not happen, or happen and be reported as failed, or end the caller."""
        self.step()
        if error := away():
            raise error
        yield
        self.step()
        if error := away():
            raise error

    def _me(self) -> Thread:
        me = getcurrent()
        assert isinstance(me, Thread)
        if not me.life.lasts:
            raise Killed
        return me

    def _pause(self, me: Thread) -> None:
        self._scheduler.switch()
        if not me.life.lasts:
            raise Killed

    def _sleep(self, milliseconds: int, who: Thread | Callable[[], None]) -> None:
        self._count += 1
        heappush(self._asleep, (self.now_ms + milliseconds, self._count, who))

    def _wake(self) -> None:
        while self._asleep and self._asleep[0][0] <= self.now_ms:
            who = heappop(self._asleep)[2]
            if isinstance(who, Thread):
                self._ready.append(who)
            else:
                who()
