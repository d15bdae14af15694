"""The locks hold what pyproject.toml asks for: whoever adds a package runs `make lock`."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKS = {
    "web": ["web"],
    "worker": ["worker"],
    "onnx": ["onnx"],
    "local": ["web", "worker", "onnx", "local"],
    "dev": list(EXTRAS),
}


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock pins, by package; more than one where Pythons differ."""
    pins: dict[str, set[str]] = {}
    for line in Path(f"requirements/{name}.txt").read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            package, _, rest = line.partition("==")
            pins.setdefault(package, set()).add(rest.split()[0])
    return pins


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_all_that_the_project_asks_for(name: str) -> None:
    pins = locked(name)
    for asked in map(Requirement, PROJECT["dependencies"] + [one for extra in LOCKS[name] for one in EXTRAS[extra]]):
        assert any(map(asked.specifier.contains, pins.get(asked.name.lower(), set()))), f"{asked}: make lock"


def test_web_is_locked_without_tensorflow() -> None:
    assert not {"keras", "tensorflow", "tensorflow-cpu"} & locked("web").keys()


@pytest.mark.parametrize("name", ["web", "worker", "onnx", "local"])
def test_what_a_part_runs_on_is_what_was_tested(name: str) -> None:
    assert locked(name).items() <= locked("dev").items()
