"""The faults; each returns when what it broke may mend."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tests.chaos.drawings import EVERY
from tests.chaos.scene import Scene
from tests.chaos.stack import WORKERS
from tests.chaos.strangers import (
    age_the_messages,
    leave_in_the_middle,
    send_bodies_that_never_come,
    send_strangers_messages,
    slow_the_wire_to_cassandra,
    slow_the_wire_to_redis,
    start_with_a_broken_model,
)
from tests.services.process import wait_until

Inject = Callable[[Scene], None]
BOTH = ("sqlite", "cassandra")


@dataclass(frozen=True)
class Fault:
    """A fault, and what is expected of it.

    Attributes:
        name: as the table shows it and `--only` matches it.
        bound_s: within how many seconds after it everything promised before must be answered.
        stores: where it can be shown.
        naive: whether the naive pipeline is shown it, too.
    """

    name: str
    bound_s: int
    inject: Inject
    stores: tuple[str, ...] = BOTH
    naive: bool = False


def kill_an_idle_worker(scene: Scene) -> None:
    rate, scene.clients.rate_per_s = scene.clients.rate_per_s, 0
    time.sleep(1)  # for what is on its way
    wait_until(lambda: not scene.clients.ledger.pending(), "nothing is pending", 180)
    scene.stack.kill(scene.worker())
    scene.clients.rate_per_s = rate


def kill_a_worker_in_a_call(scene: Scene) -> None:
    """Let the model be slow at one drawing, and kill the worker that has it, whose hands are full by then."""
    drawing = scene.clients.new_drawing()
    scene.stack.orders.give(drawing.mark, "slow 8")
    scene.clients.send_surely(drawing)
    wait_until(lambda: scene.stack.orders.begun(drawing.mark), "the model has begun", 180)
    scene.pause(1)
    for name in WORKERS:  # whichever has it
        scene.stack.kill(name)
    scene.stack.orders.take_back(drawing.mark)


def stop_a_worker_in_brpop_and_kill_it(scene: Scene) -> None:
    """Celery's gap: what Redis hands to a stopped worker is gone with it."""
    for name in WORKERS:
        scene.stack.signal(name, signal.SIGSTOP)
    for _ in range(5):
        scene.clients.send(scene.clients.new_drawing())
    for name in WORKERS:
        scene.stack.kill(name)


def kill_between_answer_and_acknowledgement(scene: Scene) -> None:
    scene.stack.orders.give("kill-after-finish", "")
    wait_until(lambda: not (scene.stack.folder / "orders" / "kill-after-finish").exists(), "a worker dies", 180)


def kill_workers_again_and_again(scene: Scene) -> None:
    scene.stack.orders.give(EVERY, "slow 0.5")  # so that hands are full
    for _ in range(max(3, int(40 * scene.scale))):
        scene.stack.kill(scene.worker())
        time.sleep(3)
    scene.stack.orders.take_back(EVERY)


def stop_workers_in_peace(scene: Scene) -> None:
    for name in WORKERS:
        scene.stack.restart(name)


def stop_a_worker_longer_than_redis_waits(scene: Scene) -> None:
    """It goes on with messages that another has answered meanwhile."""
    name = scene.worker()
    scene.stack.orders.give(EVERY, "slow 0.3")
    scene.pause(2)
    scene.stack.signal(name, signal.SIGSTOP)
    time.sleep(45)
    scene.stack.orders.take_back(EVERY)
    scene.stack.signal(name, signal.SIGCONT)


def _order_at_one(order: str) -> Inject:
    def inject(scene: Scene) -> None:
        drawing = scene.clients.new_drawing()
        scene.stack.orders.give(drawing.mark, order)
        scene.clients.send_surely(drawing, may_fail=True)

    return inject


def _once(order: str) -> Inject:
    """Give the order, and take it back as soon as the model has met it."""

    def inject(scene: Scene) -> None:
        drawing = scene.clients.new_drawing()
        scene.stack.orders.give(drawing.mark, order)
        scene.clients.send_surely(drawing)
        wait_until(lambda: scene.stack.orders.begun(drawing.mark), "the model has begun", 180)
        time.sleep(0.3)
        scene.stack.orders.take_back(drawing.mark)

    return inject


def fill_the_queue(scene: Scene) -> None:
    """Let the model be so slow that more is queued than the workers hold."""
    scene.stack.orders.give(EVERY, "slow 4")
    scene.pause(8)


def restart_redis_empty(scene: Scene) -> None:
    fill_the_queue(scene)
    scene.stack.redis_server.process.kill()
    scene.stack.forget_redis_data()
    scene.pause(5)
    scene.stack.orders.take_back(EVERY)
    scene.stack.redis_server.start()


def restart_redis_with_its_file(scene: Scene) -> None:
    scene.stack.redis_server.process.kill()
    scene.pause(5)
    scene.stack.redis_server.start()


def flush_redis(scene: Scene) -> None:
    fill_the_queue(scene)
    with scene.stack.redis() as redis:
        redis.flushall()
    scene.stack.orders.take_back(EVERY)


def fill_redis(scene: Scene) -> None:
    with scene.stack.redis() as redis:
        redis.config_set("maxmemory", 1_000_000)
        scene.pause(15)
        redis.config_set("maxmemory", 0)


def stop_redis_for_a_while(scene: Scene) -> None:
    scene.stack.redis_server.process.send(signal.SIGSTOP)
    scene.pause(20)
    scene.stack.redis_server.process.send(signal.SIGCONT)


def lock_sqlite(scene: Scene) -> None:
    intruder = sqlite3.connect(scene.stack.sqlite_file, isolation_level=None, timeout=30)
    intruder.execute("BEGIN EXCLUSIVE")
    scene.pause(10)
    intruder.execute("ROLLBACK")
    intruder.close()


def kill_cassandra(scene: Scene) -> None:
    cassandra = scene.stack.cassandra
    assert cassandra
    cassandra.process.kill()
    scene.pause(60)
    cassandra.start()


def stop_cassandra_for_a_while(scene: Scene) -> None:
    cassandra = scene.stack.cassandra
    assert cassandra
    cassandra.pause()
    scene.pause(30)
    cassandra.resume()


def kill_web_before_it_submits(scene: Scene) -> None:
    """Redis takes nothing while it is stopped: what is accepted meanwhile is in the store only when web dies."""
    redis = scene.stack.redis_server.process
    redis.send(signal.SIGSTOP)
    scene.pause(3)
    scene.stack.kill("web")
    redis.send(signal.SIGCONT)


def kill_web_again_and_again(scene: Scene) -> None:
    for _ in range(max(2, int(8 * scene.scale))):
        scene.stack.kill("web")
        time.sleep(4)


def break_the_reader(scene: Scene) -> None:
    """Kill the process in which web reads drawings, then stop the one that takes its place."""
    for number in (signal.SIGKILL, signal.SIGSTOP):
        wait_until(lambda number=number: _signal_reader(scene, number), "web reads drawings in a process", 60)
        scene.pause(10)


def _signal_reader(scene: Scene, number: signal.Signals) -> bool:
    for process in psutil.Process(scene.stack.processes["web"].pid).children(recursive=True):
        if "shared.reader" in process.cmdline():
            process.send_signal(number)
            return True
    return False


def cut_the_power(scene: Scene) -> None:
    stack = scene.stack
    for name in ("web", *WORKERS):
        os.killpg(stack.processes[name].pid, signal.SIGKILL)
    stack.redis_server.process.kill()
    if stack.cassandra:
        stack.cassandra.process.kill()
        stack.cassandra.start()
    stack.redis_server.start()


def update_the_model(scene: Scene) -> None:
    scene.stack.version = "chaos-2"
    scene.stack.restart(*WORKERS)


def overload(scene: Scene) -> None:
    rate, scene.clients.rate_per_s = scene.clients.rate_per_s, 10 * scene.clients.rate_per_s
    scene.stack.orders.give(EVERY, "slow 1")
    scene.pause(60)
    scene.clients.rate_per_s = rate
    scene.stack.orders.take_back(EVERY)


FAULTS = (
    Fault("kill -9 of an idle worker", 10, kill_an_idle_worker),
    Fault("kill -9 in a model call, hands full", 40, kill_a_worker_in_a_call, naive=True),
    Fault("stop in BRPOP, publish, kill -9", 45, stop_a_worker_in_brpop_and_kill_it, naive=True),
    Fault("kill -9 between answer and acknowledgement", 40, kill_between_answer_and_acknowledgement),
    Fault("kill -9 every 3 s for 2 minutes", 40, kill_workers_again_and_again, naive=True),
    Fault("SIGTERM under load", 10, stop_workers_in_peace, naive=True),
    Fault("worker stopped for 45 s, then goes on", 40, stop_a_worker_longer_than_redis_waits),
    Fault("a drawing that aborts its process", 5 * 40, _order_at_one("abort")),
    Fault("MemoryError in a call", 40, _once("memory"), naive=True),
    Fault("SystemExit in a call", 40, _once("exit")),
    Fault("a model call that hangs", 60, _once("hang")),
    Fault("one bad drawing in a batch", 10, _order_at_one("raise"), naive=True),
    Fault("Redis kill -9, restarted empty", 35, restart_redis_empty, naive=True),
    Fault("Redis kill -9, restarted with its file", 35, restart_redis_with_its_file),
    Fault("FLUSHALL", 10, flush_redis, naive=True),
    Fault("Redis out of memory", 45, fill_redis),
    Fault("Redis stopped for 20 s", 45, stop_redis_for_a_while),
    Fault("Cassandra kill -9, back after a minute", 45, kill_cassandra, ("cassandra",)),
    Fault("Cassandra stopped for 30 s", 45, stop_cassandra_for_a_while, ("cassandra",)),
    Fault("SQLite locked for 10 s", 10, lock_sqlite, ("sqlite",), naive=True),
    Fault("web kill -9 between store and queue", 45, kill_web_before_it_submits),
    Fault("web kill -9, again and again", 45, kill_web_again_and_again),
    Fault("web's reader of drawings killed, then stopped", 30, break_the_reader),
    Fault("clients that leave in the middle", 10, leave_in_the_middle),
    Fault("a hundred bodies that never come", 10, send_bodies_that_never_come),
    Fault("a slow wire to Redis, 0 to 400 ms", 45, slow_the_wire_to_redis),
    Fault("a slow wire to Cassandra, 0 to 400 ms", 45, slow_the_wire_to_cassandra, ("cassandra",)),
    Fault("ten times the load for a minute", 60, overload),
    Fault("messages of strangers", 45, send_strangers_messages),
    Fault("messages of another version", 45, age_the_messages),
    Fault("power cut: kill -9 of everything", 45, cut_the_power, naive=True),
    Fault("a model that cannot be loaded, until it can", 20, start_with_a_broken_model),
    Fault("new model, one worker after another", 10, update_the_model),
)
