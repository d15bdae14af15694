"""The figures as a table, as JSON and as a plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from tests.bench.measure import Window

Figures = Mapping[str, Sequence[Window]]  # contestant -> all its windows
HEAD = "contestant|users|results/s|p50 ms|p95 ms|p99 ms|results per core-second|CPU us a result|MB|errors|wrong"


def medians(windows: Sequence[Window], users: int) -> Mapping[str, float]:
    """Return the median of each figure over the rounds; errors and wrong answers are added up."""
    some = [window for window in windows if window.users == users]
    names = ("results_s", "p50_ms", "p95_ms", "p99_ms", "per_core_s")
    figures: dict[str, float] = {name: median(getattr(window, name) for window in some) for name in names}
    counts = {"errors": sum(window.errors for window in some), "wrong": sum(window.wrong for window in some)}
    return figures | counts


def table(figures: Figures) -> str:
    """Return a Markdown table, a line for each contestant and number of users."""
    columns = HEAD.split("|")
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name, windows in figures.items():
        counts = sorted({window.users for window in windows})
        lines += [f"| {name} | {users} | {_cells(windows, users)} |" for users in counts]
    return "\n".join(lines) + "\n"


def _cells(windows: Sequence[Window], users: int) -> str:
    m = medians(windows, users)
    last = [window for window in windows if window.users == users][-1]
    parts = ", ".join(f"{part} {us:.0f}" for part, us in last.cpu_us.items())
    memory = ", ".join(f"{part} {mb:.0f}" for part, mb in last.memory_mb.items())
    times = " | ".join(f"{m[name]:.1f}" if m["results_s"] else "none" for name in ("p50_ms", "p95_ms", "p99_ms"))
    counts = f"{m['errors']:.0f} | {m['wrong']:.0f}"
    return f"{m['results_s']:.0f} | {times} | {m['per_core_s']:.0f} | {parts} | {memory} | {counts}"


def write(figures: Figures, folder: Path) -> None:
    """Write figures.json, table.md and plot.svg."""
    everything = {name: [asdict(window) for window in windows] for name, windows in figures.items()}
    (folder / "figures.json").write_text(json.dumps(everything, indent=1) + "\n")
    (folder / "table.md").write_text(table(figures))
    _plot(figures, folder / "plot.svg")


def _plot(figures: Figures, path: Path) -> None:
    drawing = Figure(figsize=(12, 5))
    left, right = drawing.subplots(1, 2)
    for name, windows in figures.items():
        users = sorted({window.users for window in windows})
        points = [medians(windows, count) for count in users]
        left.plot(users, [point["results_s"] for point in points], marker="o", label=name)
        right.plot(users, [point["p50_ms"] for point in points], marker="o", label=name)
    for axes, title in ((left, "results a second"), (right, "median ms from sending to the answer")):
        axes.set(title=title, xlabel="users", xscale="log", yscale="log")
    left.legend(fontsize="small")
    drawing.savefig(path)
