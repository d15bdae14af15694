"""Tries many seeds, `python -m tests.simulation --seeds 100000`, and tells the faults of one that breaks a promise."""

import argparse
import logging
import sys
import time

from tests.simulation.run import Design, Run


def main() -> int:
    """Return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulate the promise.")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began_s = time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        outcome = Run(seed, Design()).outcome()
        if outcome.broken:
            sys.stdout.write("\n".join([f"seed {seed}: {outcome.broken}", *outcome.story, ""]))
            return 1
    sys.stdout.write(f"{options.seeds} seeds in {time.monotonic() - began_s:.0f} s: every promise was kept\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
