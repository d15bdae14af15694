"""The promise holds for thousands of seeds, and each planted bug is found: `python -m tests.simulation` tries more."""

import logging
from collections.abc import Iterator

import pytest

from shared.queue import EPOCH_KEY
from tests.simulation.bugs import BUGS
from tests.simulation.run import Design, Run

SEEDS = 1500
SEEDS_TO_FIND = 1000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The real parts tell of every fault."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_whatever_dies_every_promise_is_kept() -> None:
    for seed in range(SEEDS):
        outcome = Run(seed, Design()).outcome()
        assert outcome.broken is None, "\n".join([f"seed {seed}: {outcome.broken}", *outcome.story])


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    assert any(Run(seed, BUGS[bug]).outcome().broken for seed in range(SEEDS_TO_FIND))


def test_without_a_fault_every_job_is_submitted_once() -> None:
    for seed in range(100):
        run = Run(seed, Design(), faults=False)
        run.redis.set_key(EPOCH_KEY, str(run.redis.run_id))
        outcome = run.outcome()
        assert run.odd or set(outcome.submissions.values()) == {1}, f"seed {seed}"


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [[Run(seed, Design()).outcome() for seed in range(20)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert any(outcome.story for outcome in runs[0])
