"""What README.md says of the settings is what the program says, of the chaos runs what docs/promise.md does."""

import re
from pathlib import Path

import pytest

from shared.settings import listing

README = Path("README.md").read_text()


def test_the_readme_shows_every_setting_with_its_default_and_meaning() -> None:
    assert listing() in README


@pytest.mark.parametrize("store", ["SQLite", "Cassandra"])
def test_the_readme_has_the_figures_of_the_last_chaos_runs(store: str) -> None:
    shown = re.search(rf"\| Quill on {store} \| (\d+) \| ([\d,]+) \|", README)
    run = re.search(rf"\| {store} \| \d+ \| (\d+) \| \d+ \| \d+ \| (\d+) \|", Path("docs/promise.md").read_text())
    assert shown
    assert run
    assert [int(figure.replace(",", "")) for figure in shown.groups()] == [int(figure) for figure in run.groups()]
