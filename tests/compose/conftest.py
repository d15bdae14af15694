"""Running stacks, one at a time: a machine has memory for one."""

import os
import shutil
import subprocess
from collections.abc import Generator

import pytest

from tests.compose.stack import Stack, run
from tests.services.need import missing


@pytest.fixture(scope="session")
def docker_compose() -> None:
    """See to it that docker compose is there; no engine need run."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        missing("docker compose", "see docs.docker.com/compose/install")


@pytest.fixture(scope="session")
def docker(docker_compose: None) -> None:
    """See to it that Docker answers."""
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        missing("a running Docker", "see docs.docker.com/engine/install")


@pytest.fixture(scope="session")
def images(docker: None) -> None:
    """Build the images."""
    run("docker", "compose", "build", "--quiet")


@pytest.fixture(scope="module")
def stack(images: None) -> Generator[Stack]:
    """Give a stack with two workers, started on nothing: no data, no secrets."""
    stack = Stack(f"quill-test-{os.getpid()}")
    try:
        stack.up("--scale", "worker=2")
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def three_nodes(images: None) -> Generator[Stack]:
    """Give a stack on three Cassandra nodes."""
    stack = Stack(f"quill-test-three-{os.getpid()}", "--env-file", "compose/three-nodes.env")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
