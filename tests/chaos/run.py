"""A run: load all the time, one fault after another, and at the end every 202 is called in."""

import logging
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.chaos.clients import Clients
from tests.chaos.drawings import classify_as_stub, real_classify
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.ledger import Ledger, Verdict, check
from tests.chaos.naive import NaiveStack
from tests.chaos.scene import Scene
from tests.chaos.stack import WORKERS, Stack
from tests.services.process import wait_until

log = logging.getLogger(__name__)

NAIVE = "naive"  # the pipeline for comparison; it has SQLite for a store
CALM_S = (1.0, 6.0)  # of undisturbed load before a fault


@dataclass(frozen=True)
class Plan:
    """What a seed decides."""

    store: str
    seed: int
    drawings: int
    scale: float
    faults: tuple[Fault, ...]
    patience_s: float  # for what a fault has held up, before it is given up
    real: bool = False  # the shipped model instead of a stub
    visibility_s: int = 30  # Quill's setting; the bounds of the faults are those of its default

    @classmethod
    def of(cls, store: str, seed: int, drawings: int, scale: float = 1.0, only: str = "") -> "Plan":
        """Return the plan of a seed: the faults that the pipeline can be shown, in the seed's order."""
        faults = [fault for fault in FAULTS if (fault.naive if store == NAIVE else store in fault.stores)]
        faults = [fault for fault in faults if re.search(only, fault.name)]
        random.Random(seed).shuffle(faults)  # noqa: S311 - repeatable on purpose
        return cls(store, seed, drawings, scale, tuple(faults), patience_s=60 if store == NAIVE else 400)


@dataclass(frozen=True)
class Recovery:
    """What a fault did.

    Attributes:
        waiting: drawings that were promised and not answered when the fault was over.
        seconds: from the fault's end to the last of their answers; None when that never came.
    """

    fault: Fault
    waiting: int
    seconds: float | None


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    verdict: Verdict
    recoveries: list[Recovery]
    slowest_s: float
    hung: int


def run(plan: Plan, folder: Path) -> Outcome:
    """Carry out the plan on real processes."""
    naive = plan.store == NAIVE
    stack = NaiveStack(folder / "stack") if naive else Stack(folder / "stack", plan.store, real=plan.real)
    stack.settings["visibility_s"] = plan.visibility_s
    ledger = Ledger(folder / "ledger.jsonl")
    classify = real_classify() if plan.real else classify_as_stub
    clients = Clients(stack.address, ledger, first=plan.seed * 1_000_000, classify=classify)
    try:
        stack.start()
        wait_until(lambda: _answers(f"{stack.address}/readyz"), "the stack is ready", 90)
        clients.rate_per_s = max(5.0, plan.drawings / (45 * max(1, len(plan.faults))))
        scene = Scene(stack, clients, random.Random(plan.seed), plan.scale)  # noqa: S311 - repeatable on purpose
        recoveries = [_broken(fault, scene, plan.patience_s) for fault in plan.faults]
        _draw_until(plan.drawings, clients)
        verdict = _called_in(stack, clients, plan.patience_s)
        return Outcome(plan, verdict, recoveries, clients.slowest_s, ledger.attempts["hung"])
    finally:
        clients.close()
        ledger.close()
        stack.stop()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _broken(fault: Fault, scene: Scene, patience_s: float) -> Recovery:
    time.sleep(scene.chance.uniform(*CALM_S))
    log.info("%s", fault.name)
    ledger, given_up_s = scene.clients.ledger, time.time() - patience_s
    fault.inject(scene)
    over_s = time.time()
    entries = [entry for entry in ledger.pending(over_s) if entry.acknowledged_s > given_up_s]
    deadline = time.monotonic() + patience_s
    while any(entry.answer is None for entry in entries) and time.monotonic() < deadline:
        time.sleep(0.1)
    ends = [entry.answered_s for entry in entries]
    seconds = None if None in ends else max([0.0, *(end - over_s for end in ends if end)])
    log.info("    %d waited, the last for %s s", len(entries), "?" if seconds is None else f"{seconds:.1f}")
    return Recovery(fault, len(entries), seconds)


def _draw_until(drawings: int, clients: Clients) -> None:
    clients.rate_per_s = max(clients.rate_per_s, 40)
    wait_until(lambda: len(clients.ledger.entries) >= drawings, f"{drawings} are acknowledged", 3600)
    clients.rate_per_s = 0


def _called_in(stack: Stack, clients: Clients, patience_s: float) -> Verdict:
    """Wait for the last answers, restart everything, read all again, and count what the store holds."""
    deadline = time.monotonic() + patience_s
    while clients.ledger.pending() and time.monotonic() < deadline:
        time.sleep(0.5)
    clients.close()
    stack.restart("web", *WORKERS)
    wait_until(lambda: _answers(f"{stack.address}/readyz"), "the stack is ready again", 90)
    with requests.Session() as session:
        for entry in list(clients.ledger.entries.values()):
            clients.look(session, entry)
    return check(clients.ledger, stack.answers_by_drawing())
