"""A run as a table, as docs/promise.md shows it."""

from tests.chaos.run import Outcome


def shown(outcome: Outcome) -> str:
    """Return the outcome in Markdown."""
    verdict, plan = outcome.verdict, outcome.plan
    rows = [
        f"{plan.store}, seed {plan.seed}, {len(plan.faults)} faults",
        "",
        "| fault | waited | recovered in, s | bound, s |",
        "| --- | ---: | ---: | ---: |",
    ]
    for recovery in outcome.recoveries:
        seconds = "never" if recovery.seconds is None else f"{recovery.seconds:.1f}"
        rows.append(f"| {recovery.fault.name} | {recovery.waiting} | {seconds} | {recovery.fault.bound_s} |")
    names = ("attempted", "refused", "acknowledged", "answered", "failed", "lost", "doubled", "changed", "wrong")
    rows += [
        "",
        f"| {' | '.join(names)} | longest request, s |",
        f"|{' ---: |' * (len(names) + 1)}",
        f"| {' | '.join(str(getattr(verdict, name)) for name in names)} | {outcome.slowest_s:.1f} |",
        "",
    ]
    return "\n".join(rows) + "\n"
