"""The interface of a running Quill: Schemathesis finds nothing, and its page stands on its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.services.quill import Quill

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


# Which answers hold what other calls ask for is taken from their shapes alone: its other way, by addresses, takes the
# word batch of one for the id in another.
LINKS = '[phases.stateful.inference]\nalgorithms = ["dependency-analysis"]\n'


def test_schemathesis_finds_nothing(quill: Quill, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{quill.address}/openapi.json"]
    options = ["--max-examples", "20", "--request-timeout", "40", "--generation-deterministic", "--no-color"]
    (tmp_path / "schemathesis.toml").write_text(LINKS)
    environ = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.e2e.drawings_for_schemathesis",
    }
    run = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=280
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout
    assert re.search(r"API Links: +[1-9]\d* covered", run.stdout)  # what one call answers was asked of another


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


def test_the_page_of_the_interface_sends_the_key(new_quill: Callable[..., Quill], chromium: Browser) -> None:
    quill = new_quill(api_key="sesame")
    quill.start_web()
    page = chromium.new_page()
    page.goto(f"{quill.address}/docs")
    call = page.locator("#operations-history-history")
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table")).to_contain_text("/problems/key-needed")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".dialog-ux").get_by_role("textbox").fill("sesame")
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table")).to_contain_text('"predictions"')
