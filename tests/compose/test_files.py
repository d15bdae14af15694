"""What Docker reads is in order."""

import re
from pathlib import Path

import pytest
import yaml

from shared.settings import Settings
from tests.compose.stack import run
from web.serving import DOOR_THREADS

DOCKERFILES = sorted(map(str, Path("compose").glob("*/Dockerfile")))
PROFILES = ("", "three-nodes", "observability")
OTHER_THREADS = 24  # of one web process: Granian's, Cassandra's driver's, and the process that reads drawings


@pytest.mark.parametrize("profile", PROFILES)
def test_docker_compose_takes_the_file(docker_compose: None, profile: str) -> None:
    run("docker", "compose", "--profile", profile, "config", "--quiet")


def test_the_three_nodes_are_one_command_away(docker_compose: None) -> None:
    told = run("docker", "compose", "--env-file", "compose/three-nodes.env", "config")
    services = yaml.safe_load(told)["services"]
    assert {"cassandra", "cassandra-2", "cassandra-3"} <= services.keys()
    assert services["web"]["environment"]["QUILL_CASSANDRA_REPLICATION_FACTOR"] == "3"


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_a_dockerfile_has_no_known_flaw(dockerfile: str) -> None:
    run(".venv/bin/hadolint", dockerfile)


def test_web_may_have_the_threads_of_as_many_processes_as_the_docs_tell() -> None:
    (told,) = re.findall(r"`WEB_PROCESSES=(\d+) docker", Path("docs/operations.md").read_text())
    limits = yaml.safe_load(Path("docker-compose.yml").read_text())["services"]["web"]["deploy"]["resources"]["limits"]
    threads = Settings.model_fields["waiting_limit"].default + DOOR_THREADS + OTHER_THREADS
    assert int(told) * threads < limits["pids"]
