"""The short run of `make chaos`, the proof that its check can fail, and what a client sees while something is away."""

import json
import signal
import sqlite3
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from shared.contract import QUEUE
from shared.queue import UNACKED_KEY
from tests.chaos.clients import ANSWER_S, Clients
from tests.chaos.drawings import EVERY
from tests.chaos.ledger import Ledger
from tests.chaos.run import NAIVE, Plan, run
from tests.chaos.stack import WORKERS, Stack
from tests.services.process import wait_until
from worker.watch import STOPPED_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SEED = 7
SHORT = "BRPOP|between answer and|SystemExit|one bad drawing|FLUSHALL|locked|between store and|of strangers"


def test_a_short_run_keeps_every_promise(tmp_path: Path) -> None:
    plan = Plan.of("sqlite", SEED, drawings=200, scale=0.1, only=SHORT)
    outcome = run(replace(plan, visibility_s=5), tmp_path)
    assert len(plan.faults) == 8
    assert outcome.verdict.kept, outcome.verdict
    assert outcome.hung == 0


def test_the_naive_pipeline_loses_what_it_promised_and_the_check_sees_it(tmp_path: Path) -> None:
    plan = Plan.of(NAIVE, SEED, drawings=30, scale=0.1, only="BRPOP")
    outcome = run(replace(plan, patience_s=15), tmp_path)
    assert outcome.verdict.lost > 0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack") / "stack")
    stack.start()
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready", 90)
    yield stack
    stack.stop()


@pytest.fixture
def clients(stack: Stack, tmp_path: Path) -> Iterator[Clients]:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    clients = Clients(stack.address, ledger, first=time.time_ns())
    yield clients
    clients.close()
    ledger.close()


def ready(stack: Stack) -> tuple[int, dict[str, Any]]:
    try:
        answer = requests.get(f"{stack.address}/readyz", timeout=ANSWER_S)
    except requests.ConnectionError:
        return 0, {}
    return answer.status_code, answer.json()


def waiting_jobs(stack: Stack) -> int:
    with stack.redis() as redis:
        queued = cast("list[str]", redis.lrange(QUEUE, 0, -1))
    bodies = [json.loads(b64decode(json.loads(message)["body"])) for message in queued]
    return sum(len(args[0]["jobs"]) for args, *_ in bodies)


def test_readiness_is_red_within_seconds_of_losing_the_last_worker(stack: Stack) -> None:
    stack.hold(*WORKERS)
    wait_until(lambda: "no worker" in ready(stack)[1]["worker"], "it is told that no worker lives")
    assert ready(stack)[0] == 503
    stack.release(*WORKERS)
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready again")


def test_while_redis_hangs_readiness_is_red_and_drawings_are_still_accepted(stack: Stack, clients: Clients) -> None:
    stack.redis_server.process.send(signal.SIGSTOP)
    try:
        status, parts = ready(stack)
        assert (status, parts["store"]) == (503, "ok")
        assert parts["queue"] != "ok"
        assert clients.send(clients.new_drawing())
    finally:
        stack.redis_server.process.send(signal.SIGCONT)
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready again")


def test_while_the_store_is_locked_nothing_is_promised_and_nobody_hangs(stack: Stack, clients: Clients) -> None:
    intruder = sqlite3.connect(stack.sqlite_file, isolation_level=None)
    intruder.execute("BEGIN EXCLUSIVE")
    try:
        assert ready(stack)[1]["store"] != "ok"
        assert clients.send(clients.new_drawing()) is None
        assert clients.ledger.attempts["503"] == 1
    finally:
        intruder.execute("ROLLBACK")
        intruder.close()
    assert clients.send(clients.new_drawing())


def test_a_web_server_that_stops_submits_what_it_has_accepted(stack: Stack, clients: Clients) -> None:
    stack.hold(*WORKERS)
    redis = stack.redis_server.process
    redis.send(signal.SIGSTOP)
    web = stack.processes["web"]
    for _ in range(3):
        clients.send_surely(clients.new_drawing())
    stack.signal("web", signal.SIGTERM)
    redis.send(signal.SIGCONT)
    assert web.wait() == 0
    assert waiting_jobs(stack) == 3
    stack.release(*WORKERS)
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready again")


def test_workers_that_stop_finish_what_they_hold_and_leave_nothing_to_redeliver(stack: Stack, clients: Clients) -> None:
    for name in WORKERS:
        stack.wait_for_worker(name)  # one that is only just started, Python itself, would die of SIGTERM
    stack.orders.give(EVERY, "slow 1")
    entries = [clients.send_surely(clients.new_drawing()) for _ in range(5)]
    with stack.redis() as redis:
        wait_until(lambda: redis.hlen(UNACKED_KEY), "a worker holds drawings")
        stack.hold(*WORKERS)
        assert not redis.hlen(UNACKED_KEY)
    assert [stack.processes[name].exit_code for name in WORKERS] == [0, 0]
    unanswered = waiting_jobs(stack)
    wait_until(lambda: len(clients.ledger.pending()) == unanswered, "all that were held are answered")
    assert unanswered < len(entries)
    stack.orders.take_back(EVERY)
    stack.release(*WORKERS)
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready again")


def test_what_was_deleted_is_not_brought_back_by_its_message_or_a_new_start(stack: Stack, clients: Clients) -> None:
    stack.hold(*WORKERS)
    deleted = clients.send_surely(clients.new_drawing())
    address = f"{stack.address}/api/v1/predictions/{deleted.id}"
    assert requests.delete(address, timeout=ANSWER_S).status_code == 204
    later = clients.send_surely(clients.new_drawing())
    stack.release(*WORKERS)
    wait_until(lambda: later.answer, "what came after the deleted drawing is answered")
    stack.kill("web")
    wait_until(lambda: ready(stack)[0] == 200, "the stack is ready again")
    assert requests.get(address, timeout=ANSWER_S).status_code == 404


def test_a_worker_whose_model_hangs_is_another_process_afterwards(stack: Stack, clients: Clients) -> None:
    stack.settings["hang_s"] = 1
    stack.restart(*WORKERS)
    before = {name: stack.processes[name].pid for name in WORKERS}
    drawing = clients.new_drawing()
    stack.orders.give(drawing.mark, "hang")
    clients.send_surely(drawing)
    wait_until(lambda: stack.orders.begun(drawing.mark), "the model has begun")
    stack.orders.take_back(drawing.mark)
    wait_until(lambda: any(stack.processes[name].pid != before[name] for name in WORKERS), "a worker was replaced")


def test_workers_that_were_stopped_longer_than_a_hang_go_on_as_they_were(stack: Stack, clients: Clients) -> None:
    stack.settings["hang_s"] = 8
    stack.restart(*WORKERS)
    before = {name: stack.processes[name].pid for name in WORKERS}
    drawing = clients.new_drawing()
    stack.orders.give(drawing.mark, f"slow {STOPPED_S + 4}")
    entry = clients.send_surely(drawing)
    wait_until(lambda: stack.orders.begun(drawing.mark), "the model has begun")
    for name in WORKERS:
        stack.signal(name, signal.SIGSTOP)
    time.sleep(STOPPED_S + 1)  # the fault lasts so long
    for name in WORKERS:
        stack.signal(name, signal.SIGCONT)
    wait_until(lambda: entry.answer, "it is answered")
    assert {name: stack.processes[name].pid for name in WORKERS} == before
