"""The interface of a running Quill: Schemathesis finds nothing, and its page stands on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.services.quill import Quill

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def test_schemathesis_finds_nothing(quill: Quill, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{quill.address}/openapi.json"]
    # Not its stateful phase: that takes the word batch from one address for an id in another.
    options = [
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "20",
        "--generation-deterministic",
        "--no-color",
    ]
    environ = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.e2e.drawings_for_schemathesis",
    }
    run = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=240
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout


def test_the_page_of_the_interface_asks_nobody_else_and_makes_a_call(quill: Quill, chromium: Browser) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{quill.address}/docs")
    call = page.locator("#operations-status-status")
    call.locator(".opblock-summary").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table")).to_contain_text('"backlog"')
    assert [address for address in asked if not address.startswith((quill.address, "data:"))] == []
    assert complaints == []
