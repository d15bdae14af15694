"""`python -m tests.chaos`: break the real pipeline by a seeded schedule, then call in every promise."""

import argparse
import logging
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.run import NAIVE, Plan, run
from tests.chaos.table import shown

log = logging.getLogger(__name__)


def main() -> int:
    """Return 1 when a promise was broken, or, of the naive pipeline, when the check has not seen it broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Break Quill and check the ledger.")
    parser.add_argument("--store", choices=["sqlite", "cassandra", NAIVE], default="sqlite")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of order and moments of the faults"
    )
    parser.add_argument("--drawings", type=int, default=10_000, help="acknowledged in the end, at least")
    parser.add_argument("--scale", type=float, default=1.0, help="of the faults' durations")
    parser.add_argument("--only", default="", help="faults whose names match this pattern")
    parser.add_argument("--real", action="store_true", help="the shipped model (ONNX Runtime) instead of a stub")
    parser.add_argument("--keep", type=Path, help="folder for logs and ledger, kept; by default they go")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    plan = Plan.of(options.store, options.seed, options.drawings, options.scale, options.only)
    plan = replace(plan, real=options.real)
    log.info("seed %d: %s", options.seed, "; ".join(fault.name for fault in plan.faults))
    with tempfile.TemporaryDirectory(prefix="quill-chaos-", ignore_cleanup_errors=True) as folder:
        outcome = run(plan, options.keep or Path(folder))
    sys.stdout.write(shown(outcome))
    return int(outcome.verdict.kept == (plan.store == NAIVE))


if __name__ == "__main__":
    sys.exit(main())
