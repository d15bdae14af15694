"""`make bench`: all contestants side by side, one after another, several rounds."""

import itertools
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from tests.bench.answers import expected
from tests.bench.client import Load
from tests.bench.contestants import CONTESTANTS, Contestant, Ground
from tests.bench.drawings import pngs
from tests.bench.measure import Window, measure, wait_until_served
from tests.bench.report import table, write

FOLDER = Path("var/bench").absolute()  # as Cassandra wants it, which also takes no spaces
T = TypeVar("T")
COUNT = 128  # different drawings
WARM_S = 2.0
MOST = 1024  # drawings under way at a time: more would only measure how long a backlog is


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each contestant is started and measured.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of one window.")
@click.option("--users", default="1,8,64,256", show_default=True, help="Users at a time, window by window.")
@click.option("--only", multiple=True, type=click.Choice(list(CONTESTANTS)), help="Measure these; may be repeated.")
def main(rounds: int, seconds: float, users: str, only: tuple[str, ...]) -> None:
    """Measure all contestants with the same drawings and the same client; var/bench/ gets the figures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    drawings = pngs(COUNT)
    answers = expected(drawings)
    figures: dict[str, list[Window]] = {name: [] for name in only or CONTESTANTS}
    for round_, name in itertools.product(range(rounds), figures):
        with ExitStack() as stack:
            contestant = CONTESTANTS[name](Ground(FOLDER / re.sub(r"\W+", "-", f"{name} {round_}"), stack))
            requests = [contestant.write(group) for group in _groups(drawings, contestant)]
            wait_until_served(contestant, requests[0])
            for count in map(int, users.split(",")):
                if count * contestant.group > MOST:
                    continue
                load = Load(
                    port=contestant.port,
                    users=count,
                    requests=[b64encode(request).decode() for request in requests],
                    answers=["".join(group) for group in _groups(answers, contestant)],
                    warm_s=WARM_S,
                    window_s=seconds,
                    follow=contestant.follow,
                    pause_s=contestant.pause_s,
                )
                figures[name].append(measure(contestant, load))
        write({name: windows for name, windows in figures.items() if windows}, FOLDER)
        sys.stderr.write(table({name: figures[name]}))


def _groups(things: Sequence[T], contestant: Contestant) -> list[Sequence[T]]:
    return [things[start : start + contestant.group] for start in range(0, len(things), contestant.group)]


if __name__ == "__main__":
    main()
