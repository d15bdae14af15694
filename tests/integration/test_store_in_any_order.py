"""Any calls in any order: each store agrees with a dict."""

from dataclasses import replace
from typing import cast

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.contract import Prediction, State
from shared.settings import Settings
from shared.store import Store
from tests.services.store import NOW, a_job, answered, queued

DAY_MS = 24 * 60 * 60 * 1000


class AnyOrder(RuleBasedStateMachine):
    """Calls in any order, checked against a dict."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.jobs = [a_job(NOW - age_ms) for age_ms in (0, 0, 60_000, 2 * DAY_MS)]
        self.known: dict[str, Prediction] = {}
        self.forgotten: set[str] = set()

    jobs_to_pick = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)

    @rule(picks=jobs_to_pick)
    def add(self, picks: list[int]) -> None:
        self.store.add([self.jobs[pick] for pick in picks])
        for job in (self.jobs[pick] for pick in picks):
            if job.id not in self.forgotten:
                self.known.setdefault(job.id, queued(job))

    @rule(picks=jobs_to_pick, digits=st.sampled_from("0123456789"))
    def finish(self, picks: list[int], digits: str) -> None:
        answers = [answered(self.jobs[pick], digits) for pick in picks]
        repeated = [answer for answer in answers if (known := self.known.get(answer.id)) and known.finished_ms]
        assert self.store.finish(answers) == len(repeated)
        for answer in answers:
            known = self.known.get(answer.id)
            if known and known.state is State.QUEUED:
                self.known[answer.id] = replace(answer, label=known.label)

    @rule(pick=st.integers(0, 3), digits=st.text("0123456789", max_size=8))
    def label(self, pick: int, digits: str) -> None:
        known = self.known.get(self.jobs[pick].id)
        assert self.store.label(self.jobs[pick].id, digits) == (known is not None)
        if known:
            self.known[known.id] = replace(known, label=digits)

    @rule(pick=st.integers(0, 3))
    def forget(self, pick: int) -> None:
        self.store.forget(self.jobs[pick].id)
        self.known.pop(self.jobs[pick].id, None)
        self.forgotten.add(self.jobs[pick].id)

    @invariant()
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
    run_state_machine_as_test(
        cast("type[AnyOrder]", lambda: AnyOrder(store)),  # any callable that returns one will do
        settings=hypothesis.settings(
            max_examples=examples, stateful_step_count=15, suppress_health_check=[hypothesis.HealthCheck.too_slow]
        ),
    )
