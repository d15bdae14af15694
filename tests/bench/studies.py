"""What the side-by-side table does not tell: more workers, and a long backlog.

`python -m tests.bench.studies` prints both.
"""

import shutil
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click
from redis import Redis

from shared.contract import MAX_JOBS, Job, new_id, now_ms
from shared.queue import make_celery, message_counts, redis_client, submitter
from shared.settings import Settings
from shared.store import Store, open_store
from tests.bench.contestants import Ground
from tests.services.process import Process, wait_until
from web.intake import WRITE_LIMIT

FOLDER = Path("var/studies").absolute()
BATCH = 4  # pictures in a call of the slow model
WORKERS = (1, 2, 4, 8)
BACKLOG = 10_000  # jobs
WARM = 2_000  # jobs before, as the first ones of a worker take longer
DEADLINE_S = 300


class Bench:
    """A store, a queue and workers with the slow model; no web."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.redis = ground.redis()
        self._given = {"redis_url": self.redis.url(), "store_url": f"sqlite:///{ground.folder}/quill.db"}
        self.settings = Settings.model_validate(self._given)
        self.store: Store = open_store(self.settings)
        ground.stack.callback(self.store.close)

    def submit(self, count: int, a_message: int) -> None:
        """Accept jobs as web does, so many in a message."""
        submit = submitter(make_celery(self.settings))
        jobs = [Job(new_id(), (bytes(783) + b"\xff",), now_ms()) for _ in range(count)]
        for start in range(0, count, WRITE_LIMIT):
            self.store.add(jobs[start : start + WRITE_LIMIT])
        for start in range(0, count, a_message):
            submit(jobs[start : start + a_message])

    def start_workers(self, count: int, call_s: float, batch_limit: int) -> list[Process]:
        """Return so many workers."""
        environ = {f"QUILL_{name.upper()}": text for name, text in self._given.items()}
        environ |= {"CALL_S": str(call_s), "QUILL_BATCH_LIMIT": str(batch_limit)}
        command = [sys.executable, "-m", "tests.bench.slow_worker"]
        return [self._ground.start(f"worker{number}", *command, **environ) for number in range(count)]

    def drain(self, left: int = 0) -> float:
        """Return the jobs finished a second from the next answer until no more than so many are left."""
        full = self.store.backlog()
        wait_until(lambda: self.store.backlog() < full, "the next answer", DEADLINE_S)
        began_s, first = time.monotonic(), self.store.backlog()
        wait_until(lambda: self.store.backlog() <= left, f"{left} jobs left", DEADLINE_S)
        return (first - self.store.backlog()) / (time.monotonic() - began_s)


def scale(bench: Bench, workers: int) -> float:
    """Return the results a second of so many workers."""
    bench.start_workers(workers, call_s=0.05, batch_limit=BATCH)
    bench.submit(400 * workers, BATCH)
    return bench.drain()


def wait_in_line(bench: Bench) -> tuple[float, float, float]:
    """Return the bytes of Redis a queued job, and the results a second of one worker at the start and at the end."""
    client = redis_client(bench.settings)
    (worker,) = bench.start_workers(1, call_s=0.0, batch_limit=64)
    bench.submit(WARM, MAX_JOBS)
    bench.drain()
    # An answer can be read before its write is over: stopped in it, the worker would keep the store locked.
    wait_until(lambda: not any(message_counts(client).values()), "all messages are acknowledged", DEADLINE_S)
    worker.send(signal.SIGSTOP)
    before = _used_bytes(client)
    bench.submit(BACKLOG, MAX_JOBS)
    job_bytes = (_used_bytes(client) - before) / BACKLOG
    worker.send(signal.SIGCONT)
    deep = bench.drain(left=BACKLOG * 3 // 4)
    bench.drain(left=BACKLOG // 4)
    return job_bytes, deep, bench.drain()


def _used_bytes(client: Redis) -> int:
    return int(client.info("memory")["used_memory"])


@click.command()
def main() -> None:
    """Print the results a second of 1 to 8 workers with a slow model, and what a long backlog costs; a minute."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for workers in WORKERS:
        with ExitStack() as stack:
            rate = scale(Bench(Ground(FOLDER / f"{workers}-workers", stack)), workers)
        sys.stdout.write(f"{workers} workers, 50 ms a call of {BATCH}: {rate:.0f} results/s\n")
    with ExitStack() as stack:
        job_bytes, deep, shallow = wait_in_line(Bench(Ground(FOLDER / "backlog", stack)))
    sys.stdout.write(
        f"backlog of {BACKLOG}: {job_bytes:.0f} bytes of Redis a job; "
        f"the first quarter drained at {deep:.0f} a second, the last at {shallow:.0f}\n"
    )


if __name__ == "__main__":
    main()
