"""What is in the images, and what is not."""

import os

import pytest

from tests.compose.stack import run

OURS = ["quill-web", "quill-worker:tensorflow", "quill-flower", "quill-cassandra"]
PROVE = """
from pathlib import Path
from shared.settings import Settings
from worker.classifier import load_classifier
settings = Settings.from_env()
load_classifier(Path(settings.model), runtime=settings.runtime, threads=1)
"""
COMPILERS = "gcc cc g++ c++ clang tcc ld as go rustc javac"


def inside(image: str, command: str) -> str:
    """Return what a shell command writes in a fresh container."""
    return run("docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", command)


@pytest.fixture(autouse=True)
def built(images: None) -> None:
    """Have the images built."""


def test_webs_holds_no_tensorflow() -> None:
    assert not inside("quill-web", "find /opt /usr -iname '*tensorflow*' -o -iname '*keras*'")


def test_webs_is_small() -> None:
    assert int(inside("quill-web", "du -sm /opt").split()[0]) < 250


def test_the_same_model_runs_without_tensorflow() -> None:
    run("docker", "compose", "build", "--quiet", "worker", environ=os.environ | {"RUNTIME": "onnx"})
    assert inside("quill-worker:onnx", f'python -c "{PROVE}"') == ""
    assert not inside("quill-worker:onnx", "find /opt /usr -iname '*tensorflow*'")


@pytest.mark.parametrize("image", [*OURS, "redis:7"])
def test_none_holds_a_compiler(image: str) -> None:
    assert not inside(image, f"for name in {COMPILERS}; do command -v $name; done; true")


@pytest.mark.parametrize(
    ("image", "folders"), [("quill-web", "shared web"), ("quill-worker:tensorflow", "shared worker")]
)
def test_ours_hold_nothing_but_their_code(image: str, folders: str) -> None:
    assert inside(image, "ls -A").split() == folders.split()


@pytest.mark.parametrize("image", OURS)
def test_none_holds_a_secret(image: str) -> None:
    assert not inside(image, "ls -A /run/secrets 2>/dev/null; env | grep -iE 'password|secret|token|redis://'; true")


@pytest.mark.parametrize("image", OURS)
def test_none_starts_as_root(image: str) -> None:
    assert inside(image, "id -u").strip() != "0"


def test_celery_does_not_take_the_workers_group_for_roots() -> None:
    asked = "from celery.platforms import check_privileges as check; check(['json'])"
    assert inside("quill-worker:tensorflow", f'python -W error -c "{asked}"') == ""
