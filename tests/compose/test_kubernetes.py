"""The kustomize base, built by kubectl and checked against the schemas of Kubernetes and KEDA, all offline."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] - there are none
import pytest
import yaml

from tests.compose.stack import run

BASE = "compose/kubernetes"
KUBERNETES = "1.34"
KEDAS_TYPES = "cloudcoil-models-keda==2.16.1.0"  # the package's number is KEDA's, then its own


def built(folder: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run(".venv/bin/kubectl", "kustomize", folder)))


RESOURCES = {f"{resource['kind']}-{resource['metadata']['name']}": resource for resource in built(BASE)}
PODS = {name: resource["spec"]["template"]["spec"] for name, resource in RESOURCES.items() if "Deployment" in name}
CONTAINERS = {name: container for name, pod in PODS.items() for container in pod["containers"]}


@pytest.mark.parametrize("name", [name for name in RESOURCES if "ScaledObject" not in name])
def test_kubernetes_takes_it(name: str) -> None:
    kubernetes_validate.validate(RESOURCES[name], KUBERNETES, strict=True)


def test_keda_takes_the_scaled_objects() -> None:
    objects = [resource for name, resource in RESOURCES.items() if "ScaledObject" in name]
    isolated = ["uv", "run", "--quiet", "--isolated", "--no-project", "--with", KEDAS_TYPES]
    run(f".venv/bin/{isolated[0]}", *isolated[1:], "python", "tests/compose/keda.py", given=json.dumps(objects))


@pytest.mark.parametrize("name", PODS)
def test_a_pod_could_run_where_nothing_else_is_allowed(name: str) -> None:
    assert PODS[name]["securityContext"]["runAsNonRoot"]
    assert not PODS[name]["automountServiceAccountToken"]
    for container in PODS[name]["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}


@pytest.mark.parametrize("name", PODS)
def test_no_other_service_puts_settings_into_a_pod(name: str) -> None:
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_that_hangs_or_starts_slowly_is_told_apart(name: str) -> None:
    assert {"startupProbe", "livenessProbe"} <= CONTAINERS[name].keys()


def test_workers_follow_the_whole_backlog_and_its_age() -> None:
    queries = [trigger["metadata"]["query"] for trigger in RESOURCES["ScaledObject-worker"]["spec"]["triggers"]]
    assert any("quill_backlog_jobs" in query for query in queries)
    assert any("quill_backlog_oldest_seconds" in query for query in queries)


def test_workers_stay_as_they_are_while_nobody_knows_the_backlog() -> None:
    """KEDA would else take what Prometheus does not know for 0, and scale down in the middle of an outage."""
    triggers = RESOURCES["ScaledObject-worker"]["spec"]["triggers"]
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in triggers} == {"false"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_probe_is_patient_with_what_is_busy(name: str) -> None:
    probes = [probe for probe in CONTAINERS[name] if probe in {"readinessProbe", "livenessProbe"}]
    assert all(CONTAINERS[name][probe]["timeoutSeconds"] >= 5 for probe in probes)


def test_the_overlay_in_the_docs_names_images_stores_and_secrets(tmp_path: Path) -> None:
    overlay = re.findall(r"```yaml\n(.*?)```", Path("docs/operations.md").read_text(), re.DOTALL)[0]
    shutil.copytree(BASE, tmp_path / BASE)
    (tmp_path / "kustomization.yaml").write_text(overlay)
    resources = {f"{one['kind']}-{one['metadata']['name'].partition('-')[0]}": one for one in built(str(tmp_path))}
    web = resources["Deployment-web"]["spec"]["template"]["spec"]
    assert web["containers"][0]["image"].startswith("images.example/quill-web:")
    assert web["volumes"][0]["secret"]["secretName"] == resources["Secret-quill"]["metadata"]["name"]
    assert "node-1.example" in resources["ConfigMap-settings"]["data"]["QUILL_STORE_URL"]
