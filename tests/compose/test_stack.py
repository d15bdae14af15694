"""The stack as `docker compose up --wait` leaves it, and what becomes of drawings while parts change or die."""

import re
from typing import Any

import pytest
import requests

from tests.compose.stack import Stack, Visitors, run
from tests.services.process import wait_until

AS_APPLICATION = """
import sys
from redis import Redis, RedisError
from shared.settings import Settings
redis = Redis.from_url(Settings.from_env().redis_url.get_secret_value())
try:
    print(redis.execute_command(*sys.argv[1:]))
except RedisError as error:
    print(error)
"""
AS_PROMETHEUS = """
import sys
from urllib.request import urlopen
print(urlopen(sys.argv[1]).read().decode())
"""
AS_FLOWERS_GUEST = """
import sys
from base64 import b64encode
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
password = Path("/run/secrets/basic_auth").read_bytes() if sys.argv[2:] else b"quill:guessed"
headers = {"Authorization": b"Basic " + b64encode(password)}
try:
    print(urlopen(Request("http://127.0.0.1:5555" + sys.argv[1], headers=headers)).read())
except HTTPError as error:
    print(error.code)
"""


def names(containers: list[dict[str, Any]]) -> list[str]:
    return [container["Config"]["Labels"]["com.docker.compose.service"] for container in containers]


def wait_for_answers(stack: Stack, ids: list[str]) -> None:
    """Wait until each of the predictions is done."""
    with requests.Session() as session:

        def done(prediction_id: str) -> bool:
            return session.get(f"{page}/{prediction_id}", timeout=30).json().get("state") == "done"

        page = f"{stack.page}/api/v1/predictions"
        for prediction_id in ids:
            wait_until(lambda prediction_id=prediction_id: done(prediction_id), f"{prediction_id} is done", 90)


def rows(stack: Stack) -> int:
    """Return how many predictions are in the database."""
    answer = stack.compose("exec", "-T", "cassandra", "cqlsh", "-e", "select count(*) from mnist_database.mnist1")
    return int(re.findall(r"^ +(\d+)$", answer, re.MULTILINE)[0])


def test_a_drawing_is_answered_through_the_published_port(stack: Stack) -> None:
    prediction = stack.draw()
    assert (prediction["state"], prediction["digits"]) == ("done", "7")


def test_cqlsh_shows_the_predictions_as_in_the_seed(stack: Stack) -> None:
    prediction = stack.draw()
    select = "select id, digits, upload_time from mnist_database.mnist1"
    shown = stack.compose("exec", "-T", "cassandra", "cqlsh", "-e", select)
    assert re.search(rf"{prediction['id']} \| +7 \| 20\d\d-", shown)


def test_only_the_page_is_published_and_only_on_loopback(stack: Stack) -> None:
    published = {
        name: container["NetworkSettings"]["Ports"]
        for name, container in zip(names(stack.containers()), stack.containers(), strict=True)
        if any(container["NetworkSettings"]["Ports"].values())
    }
    assert published.keys() == {"web"}
    assert [binding["HostIp"] for binding in published["web"]["8000/tcp"]] == ["127.0.0.1"]


def test_what_holds_data_has_no_way_out(stack: Stack) -> None:
    networks = {
        name: {network.rpartition("_")[2] for network in container["NetworkSettings"]["Networks"]}
        for name, container in zip(names(stack.containers()), stack.containers(), strict=True)
    }
    assert networks.pop("web") == {"front", "back"}
    assert set(map(frozenset, networks.values())) == {frozenset({"back"})}


def test_nothing_runs_as_root_or_could_become_it(stack: Stack) -> None:
    for container in stack.containers():
        status = dict(re.findall(r"(\w+):\s+(\S+)", run("docker", "exec", container["Id"], "cat", "/proc/1/status")))
        assert status["Uid"] != "0", container["Name"]
        assert int(status["CapBnd"], 16) == 0, container["Name"]
        assert status["NoNewPrivs"] == "1", container["Name"]


def test_every_service_is_bounded_read_only_and_restarted(stack: Stack) -> None:
    for container in stack.containers():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], container["Name"]
        assert host["Memory"], container["Name"]
        assert host["PidsLimit"], container["Name"]
        assert host["Init"], container["Name"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped", container["Name"]


@pytest.mark.parametrize(
    "command", ["FLUSHALL", "FLUSHDB", "CONFIG GET *", "DEBUG SLEEP 0", "KEYS *", "SHUTDOWN NOSAVE"]
)
def test_redis_refuses_the_application_what_it_never_needs(stack: Stack, command: str) -> None:
    answer = stack.exec("web", "python", "-c", AS_APPLICATION, *command.split())
    assert "no permissions" in answer or "not allowed" in answer


def test_redis_shows_strangers_nothing(stack: Stack) -> None:
    assert "NOPERM" in stack.exec("redis", "redis-cli", "LLEN", "quill")


def test_redis_keeps_the_queue_on_disk_and_never_evicts(stack: Stack) -> None:
    told = stack.exec("web", "python", "-c", AS_APPLICATION, "INFO")
    assert "'aof_enabled': 1" in told
    assert "'maxmemory_policy': 'noeviction'" in told


def test_flower_shows_the_tasks_without_ink_to_who_has_the_password(stack: Stack) -> None:
    assert stack.exec("flower", "python", "-c", AS_FLOWERS_GUEST, "/api/tasks").strip() == "401"
    drawn = stack.draw()["id"]
    seen = wait_until(lambda: _task_of(stack, drawn), "Flower knows of the task")
    assert "(1 jobs, the first " in seen


def _task_of(stack: Stack, prediction_id: str) -> str:
    tasks = stack.exec("flower", "python", "-c", AS_FLOWERS_GUEST, "/api/tasks", "with password")
    return tasks if prediction_id in tasks else ""


@pytest.mark.parametrize(
    ("address", "metric"),
    [("http://web:8000/metrics", "quill_backlog_jobs"), ("http://worker:9100/metrics", "quill_held_jobs")],
)
def test_web_and_workers_tell_prometheus(stack: Stack, address: str, metric: str) -> None:
    assert f"\n{metric} " in stack.exec("web", "python", "-c", AS_PROMETHEUS, address)


def test_workers_share_the_work(stack: Stack) -> None:
    stack.up("--no-recreate", "--scale", "worker=4")
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.add(stack.draw()["worker"])
        return len(seen) == 4

    wait_until(all_seen, "each of the workers has answered", 120)
    stack.up("--no-recreate", "--scale", "worker=2")


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(stack: Stack) -> None:
    before, visitors = rows(stack), Visitors(stack)
    victim = stack.containers("worker")[0]
    run("docker", "exec", victim["Id"], "sh", "-c", "kill -9 -1")
    wait_until(lambda: _restarts(victim["Id"]) == victim["RestartCount"] + 1, "Docker restarts the worker")
    accepted = visitors.accepted()
    wait_for_answers(stack, accepted)
    assert rows(stack) == before + len(accepted)


def _restarts(container: str) -> int:
    return int(run("docker", "inspect", "--format", "{{.RestartCount}}", container))


def test_a_rolling_change_of_the_workers_image_loses_and_doubles_nothing(stack: Stack) -> None:
    before, visitors, old = rows(stack), Visitors(stack), {one["Id"] for one in stack.containers("worker")}
    run("compose/roll.sh", environ=stack.environ)
    accepted = visitors.accepted()
    new = {one["Id"] for one in stack.containers("worker")}
    assert len(new) == len(old)
    assert not new & old
    wait_for_answers(stack, accepted)
    assert rows(stack) == before + len(accepted)


def test_all_stops_in_peace_and_is_there_again_after_a_start(stack: Stack) -> None:
    visitors = Visitors(stack)
    accepted = visitors.accepted()
    stack.compose("stop")
    ids = stack.compose("ps", "--all", "--quiet", "web", "worker", "redis", "flower").split()
    codes = run("docker", "inspect", "--format", "{{.Name}} {{.State.ExitCode}}", *ids).splitlines()
    assert all(code.endswith(" 0") for code in codes), codes
    stack.up()
    wait_for_answers(stack, accepted)
