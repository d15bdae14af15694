"""What the side-by-side table does not tell: more workers, and a long backlog.

`python -m tests.bench.studies` prints both.
"""

import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from redis import Redis

from shared.contract import MAX_JOBS, Job, new_id
from shared.queue import connect, make_celery, now_ms, submitter
from shared.settings import Settings
from shared.store import Store, open_store
from tests.bench.contestants import Ground
from tests.services.process import wait_until

FOLDER = Path("var/studies").absolute()
BATCH = 4  # pictures in a call of the slow model
WORKERS = (1, 2, 4, 8)
DEPTHS = (100, 10_000)  # jobs of a backlog
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
        self.store.add(jobs)
        for start in range(0, count, a_message):
            submit(jobs[start : start + a_message])

    def start_workers(self, count: int, call_s: float, batch_limit: int) -> None:
        """Return once each of them has told that it lives."""
        environ = {f"QUILL_{name.upper()}": text for name, text in self._given.items()}
        environ |= {"CALL_S": str(call_s), "QUILL_BATCH_LIMIT": str(batch_limit)}
        for number in range(count):
            self._ground.start(f"worker{number}", sys.executable, "-m", "tests.bench.slow_worker", **environ)

    def drain(self) -> float:
        """Return the jobs finished a second from the first answer to the last."""
        full = self.store.backlog()
        wait_until(lambda: self.store.backlog() < full, "the first answer", DEADLINE_S)
        began_s, left = time.monotonic(), self.store.backlog()
        wait_until(lambda: not self.store.backlog(), "the last answer", DEADLINE_S)
        return left / (time.monotonic() - began_s)


def scale(bench: Bench, workers: int) -> float:
    """Return the results a second of so many workers."""
    bench.start_workers(workers, call_s=0.05, batch_limit=BATCH)
    bench.submit(400 * workers, BATCH)
    return bench.drain()


def wait_in_line(bench: Bench, jobs: int) -> tuple[float, float]:
    """Return the bytes of Redis a queued job, and the results a second while one worker drains them."""
    client = connect(bench.settings)
    before = _used_bytes(client)
    bench.submit(jobs, MAX_JOBS)
    job_bytes = (_used_bytes(client) - before) / jobs
    bench.start_workers(1, call_s=0.0, batch_limit=64)
    return job_bytes, bench.drain()


def _used_bytes(client: Redis) -> int:
    return int(client.info("memory")["used_memory"])


def main() -> None:
    """Print what each study finds."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for workers in WORKERS:
        with ExitStack() as stack:
            rate = scale(Bench(Ground(FOLDER / f"{workers}-workers", stack)), workers)
        sys.stdout.write(f"{workers} workers, 50 ms a call of {BATCH}: {rate:.0f} results/s\n")
    for jobs in DEPTHS:
        with ExitStack() as stack:
            job_bytes, rate = wait_in_line(Bench(Ground(FOLDER / f"{jobs}-jobs", stack)), jobs)
        sys.stdout.write(f"backlog of {jobs}: {job_bytes:.0f} bytes of Redis a job, drained at {rate:.0f} a second\n")


if __name__ == "__main__":
    main()
