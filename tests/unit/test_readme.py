"""What README.md says of the settings is what the program says."""

from pathlib import Path

from shared.settings import listing


def test_the_readme_shows_every_setting_with_its_default_and_meaning() -> None:
    assert listing() in Path("README.md").read_text()
