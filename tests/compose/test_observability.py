"""Alerts ring when they should, in words that the operator's page takes up; the dashboard asks for what is told."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.compose.stack import run
from tests.services.need import missing

FOLDER = Path("compose/observability")
METRICS = Path("docs/metrics.md")
KUBERNETES = Path("compose/kubernetes/autoscaling.yaml")
ALERTS = [
    rule["alert"] for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]


@pytest.fixture(autouse=True)
def promtool() -> None:
    """See to it that Prometheus's own checker is there."""
    if not shutil.which("promtool"):
        missing("promtool", "apt install prometheus")


def test_prometheus_takes_its_configuration() -> None:
    run("promtool", "check", "config", str(FOLDER / "prometheus.yml"))


def test_each_alert_rings_when_it_should_and_not_before() -> None:
    run("promtool", "test", "rules", str(FOLDER / "alerts.test.yml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_and_has_a_cure(alert: str) -> None:
    assert f"alertname: {alert}" in (FOLDER / "alerts.test.yml").read_text()
    assert f"| `{alert}` |" in Path("docs/operations.md").read_text()


def test_grafana_can_read_the_dashboard_and_knows_where_to_ask() -> None:
    dashboard = json.loads((FOLDER / "grafana" / "quill.json").read_text())
    known = {
        source["uid"] for source in yaml.safe_load((FOLDER / "grafana/datasources.yml").read_text())["datasources"]
    }
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == known
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@pytest.mark.parametrize("file", [FOLDER / "alerts.yml", FOLDER / "grafana" / "quill.json", KUBERNETES], ids=str)
def test_what_is_asked_for_is_told(file: Path) -> None:
    asked = {name.removesuffix("_bucket") for name in re.findall(r"quill_[a-z_]+", file.read_text())}
    assert asked
    assert asked <= set(re.findall(r"^\| `(quill_[a-z_]+)`", METRICS.read_text(), re.MULTILINE))
