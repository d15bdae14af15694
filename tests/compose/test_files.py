"""What Docker reads is in order."""

from pathlib import Path

import pytest
import yaml

from tests.compose.stack import run

DOCKERFILES = sorted(map(str, Path("compose").glob("*/Dockerfile")))
PROFILES = ("", "three-nodes", "observability")


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
