"""Measures the stack and prints what docs/capacity.md shows: `make figures`.

Sizes, the time to healthy and memory at rest; then, with drawings in plenty, the processor time of each service for one
drawing. Processor time, not speed: it does not depend on what else the machine does, and it is what a plan adds up.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import click
import requests

from tests.compose.stack import SEVEN, Stack, run

USERS = 64
SECONDS = 60


@click.command()
def main() -> None:
    """Start the stack in Docker, measure it, print the tables of docs/capacity.md, remove it; ten minutes."""
    stack = Stack(f"quill-figures-{os.getpid()}")
    run("docker", "compose", "build", "--quiet")
    began = time.monotonic()
    try:
        stack.up()
        tell(f"healthy after {time.monotonic() - began:.0f} s on empty volumes")
        stack.draw()
        memory = {name: stats(container)["memory_stats"] for name, container in services(stack).items()}
        before = processor_s(stack)
        count = draw_for_a_while(stack)
        after = processor_s(stack)
    finally:
        stack.down()
    tell(f"{count} drawings by {USERS} users in {SECONDS} s")
    tell("| service | image, MB | memory at rest, MB | processor, ms a drawing |\n| --- | --- | --- | --- |")
    for name, used in memory.items():
        cost = 1000 * (after[name] - before[name]) / count
        tell(f"| {name} | {image_mb(name)} | {(used['usage'] - cache(used)) / 1e6:.0f} | {cost:.2f} |")


def services(stack: Stack) -> dict[str, str]:
    """Return the containers' ids by service."""
    return {one["Config"]["Labels"]["com.docker.compose.service"]: one["Id"] for one in stack.containers()}


def stats(container: str) -> dict[str, dict[str, int]]:
    """Return what Docker's interface tells of a container's use of the machine."""
    socket = ["--silent", "--unix-socket", "/var/run/docker.sock"]
    return json.loads(run("curl", *socket, f"http://docker/containers/{container}/stats?stream=false"))


def cache(memory: dict[str, int]) -> int:
    """Return the bytes of files that the kernel could drop, as `docker stats` takes them off."""
    told: dict[str, int] = memory["stats"]  # pyright: ignore[reportAssignmentType] - a mapping within
    return told.get("total_inactive_file", told.get("inactive_file", 0))


def processor_s(stack: Stack) -> dict[str, float]:
    """Return the seconds of processor time that each service has used."""
    return {
        name: stats(container)["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9  # pyright: ignore[reportIndexIssue]
        for name, container in services(stack).items()
    }


def draw_for_a_while(stack: Stack) -> int:
    """Let users draw and wait for the answer, again and again; return how many were answered."""
    address, drawing = f"{stack.page}/api/v1/predictions", SEVEN.read_bytes()
    headers = {"Content-Type": "image/png", "Prefer": "wait=20"}
    end = time.monotonic() + SECONDS

    def user() -> int:
        answered = 0
        with requests.Session() as session:
            while time.monotonic() < end:
                answered += session.post(address, drawing, headers=headers, timeout=60).status_code == requests.codes.ok
        return answered

    with ThreadPoolExecutor(USERS) as pool:
        return sum(future.result() for future in [pool.submit(user) for _ in range(USERS)])


def image_mb(service: str) -> int:
    """Return the size of a service's image."""
    name = {"redis": "redis:7", "worker": "quill-worker:tensorflow"}.get(service, f"quill-{service}")
    return int(run("docker", "image", "inspect", "--format", "{{.Size}}", name)) // 1_000_000


def tell(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
