"""Any calls in any order: each store agrees with a dict."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, cast

import hypothesis
from cassandra import OperationTimedOut  # pyright: ignore[reportMissingTypeStubs] - the driver has none
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.contract import Prediction, State
from shared.settings import Settings
from shared.store import Store, StoreUnavailableError
from tests.services.store import NOW, a_job, answered, queued

DAY_MS = 24 * 60 * 60 * 1000
P = ParamSpec("P")


def unless_late(step: "Callable[Concatenate[AnyOrder, P], None]") -> "Callable[Concatenate[AnyOrder, P], None]":
    """Let nothing more be proved once Cassandra was too slow for a call, as on a slow day; any other failure is one."""

    @wraps(step)
    def tried(self: "AnyOrder", *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if not self.was_late:
                step(self, *args, **kwargs)
        except StoreUnavailableError as error:
            if not isinstance(error.__cause__, OperationTimedOut):
                raise
            self.was_late = True  # and goes on: Hypothesis takes no test that ends early now and not then

    return tried


class AnyOrder(RuleBasedStateMachine):
    """Calls in any order, checked against a dict."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.was_late = False
        self.jobs = [a_job(NOW - age_ms) for age_ms in (0, 0, 60_000, 2 * DAY_MS)]
        self.known: dict[str, Prediction] = {}
        self.forgotten: set[str] = set()

    jobs_to_pick = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)

    @rule(picks=jobs_to_pick)
    @unless_late
    def add(self, picks: list[int]) -> None:
        self.store.add([self.jobs[pick] for pick in picks])
        for job in (self.jobs[pick] for pick in picks):
            if job.id not in self.forgotten:
                self.known.setdefault(job.id, queued(job))

    @rule(picks=jobs_to_pick, digits=st.sampled_from("0123456789"))
    @unless_late
    def finish(self, picks: list[int], digits: str) -> None:
        answers = [answered(self.jobs[pick], digits) for pick in picks]
        repeated = [answer for answer in answers if (known := self.known.get(answer.id)) and known.finished_ms]
        assert self.store.finish(answers) == len(repeated)
        for answer in answers:
            known = self.known.get(answer.id)
            if known and known.state is State.QUEUED:
                self.known[answer.id] = replace(answer, label=known.label)

    @rule(pick=st.integers(0, 3), digits=st.text("0123456789", max_size=8))
    @unless_late
    def label(self, pick: int, digits: str) -> None:
        known = self.known.get(self.jobs[pick].id)
        assert self.store.label(self.jobs[pick].id, digits) == (known is not None)
        if known:
            self.known[known.id] = replace(known, label=digits)

    @rule(pick=st.integers(0, 3))
    @unless_late
    def forget(self, pick: int) -> None:
        self.store.forget(self.jobs[pick].id)
        self.known.pop(self.jobs[pick].id, None)
        self.forgotten.add(self.jobs[pick].id)

    @invariant()
    @unless_late
    def agrees_with_the_model(self) -> None:
        mine = {job.id for job in self.jobs}
        assert self.store.get(mine) == self.known
        waiting = {p.id for p in self.known.values() if p.state is State.QUEUED}
        assert {job.id for job in self.store.unfinished(NOW + 1, 1000)} & mine == waiting
        assert {p.id for p in self.store.history(1000)} & mine == self.known.keys()
        labelled = {p.id for p in self.known.values() if p.label is not None}
        assert {p.id for p in self.store.corrections()} & mine == labelled


def test_any_order_of_calls_agrees_with_a_dict(store: Store, settings: Settings) -> None:
    examples = 50 if settings.store_url.startswith("sqlite") else 10  # a thousand calls take Cassandra a while
    machines: list[AnyOrder] = []

    def machine() -> AnyOrder:
        machines.append(AnyOrder(store))
        return machines[-1]

    run_state_machine_as_test(
        cast("type[AnyOrder]", machine),  # any callable that returns one will do
        settings=hypothesis.settings(
            max_examples=examples, stateful_step_count=15, suppress_health_check=[hypothesis.HealthCheck.too_slow]
        ),
    )
    assert sum(machine.was_late for machine in machines) <= examples // 5, "Cassandra was too slow to prove anything"
