"""What a release contains: secure pods, narrow rights, standard labels, documented values."""

import re
from pathlib import Path
from typing import Any

import pytest
from helm_python import HelmRenderError

from kaito_api import labels
from tests.charts.render import AZURE, CHART, Manifest, find, render
from tests.workspace_controller.manifests.pod_builders import (
    everything,
    model_pod,
    pod_of,
    tuning_pod,
)

SERVICES = ("workspace-controller", "gpu-provisioner", "inference-gateway")
VALUES = [CHART / "values.yaml", *(CHART / "charts" / name / "values.yaml" for name in SERVICES)]


@pytest.fixture(scope="module")
def release() -> list[Manifest]:
    return render()


def _deployment(release: list[Manifest], service: str) -> Manifest:
    return find(release, "Deployment", f"kaito-{service}")


def _environment(deployment: Manifest) -> dict[str, str]:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


@pytest.mark.parametrize("service", SERVICES)
def test_pods_meet_the_restricted_standard(release: list[Manifest], service: str) -> None:
    pod = _deployment(release, service)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("service", SERVICES)
def test_pods_are_probed_and_bounded(release: list[Manifest], service: str) -> None:
    container = _deployment(release, service)["spec"]["template"]["spec"]["containers"][0]
    assert {"livenessProbe", "readinessProbe"} <= set(container)
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


def test_only_front_doors_and_keda_reach_the_port_of_the_demand(release: list[Manifest]) -> None:
    policy = find(release, "NetworkPolicy", "kaito-workspace-controller")
    everybody, some = policy["spec"]["ingress"]
    assert "from" not in everybody
    assert {port["port"] for port in everybody["ports"]} == {"http", "webhook"}
    gateway, keda = some["from"]
    pods = _deployment(release, "inference-gateway")["spec"]["template"]["metadata"]["labels"]
    assert gateway["podSelector"]["matchLabels"].items() <= pods.items()
    assert keda == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}
    assert [port["port"] for port in some["ports"]] == ["grpc"]


def test_front_doors_report_to_each_replica_of_the_controller(release: list[Manifest]) -> None:
    address = _environment(_deployment(release, "inference-gateway"))["KAITO_DEMAND_ADDRESS"]
    name, _, port = address.partition(":")
    service = find(release, "Service", name)["spec"]
    controller = _deployment(release, "workspace-controller")
    assert service["clusterIP"] == "None"
    assert service["selector"] == controller["spec"]["selector"]["matchLabels"]
    # Without an address of its own, a Service maps no port.
    assert port == _environment(controller)["KAITO_GRPC_PORT"]
    ports = controller["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {"name": "grpc", "containerPort": int(port)} in ports


def test_one_grace_period_sets_how_models_and_front_door_stop() -> None:
    release = render({"global": {"terminationGracePeriodSeconds": 100}})
    gateway = _deployment(release, "inference-gateway")
    spec = gateway["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 100
    assert spec["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 3}}}
    assert _environment(gateway)["KAITO_SHUTDOWN_TIMEOUT_SECONDS"] == "90"
    controller = _environment(_deployment(release, "workspace-controller"))
    assert controller["KAITO_TERMINATION_GRACE_PERIOD_SECONDS"] == "100"


@pytest.mark.parametrize("service", SERVICES)
def test_two_replicas_and_a_disruption_budget(release: list[Manifest], service: str) -> None:
    deployment = _deployment(release, service)
    budget = find(release, "PodDisruptionBudget", f"kaito-{service}")
    assert deployment["spec"]["replicas"] == 2
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


@pytest.mark.parametrize("service", SERVICES)
def test_pods_are_found_by_their_component_under_any_name(service: str) -> None:
    release = render({service: {"fullnameOverride": "p", "nameOverride": "q"}})
    metadata = find(release, "Deployment", "p")["spec"]["template"]["metadata"]
    # The NetworkPolicies of model pods let the controller in by these labels.
    assert metadata["labels"]["app.kubernetes.io/component"] == service
    assert metadata["labels"]["app.kubernetes.io/instance"] == "kaito"


def _rules(release: list[Manifest]) -> list[tuple[str, Manifest]]:
    return [
        (f"{m['kind']} {m['metadata']['name']}", rule)
        for m in release
        if m["kind"] in ("Role", "ClusterRole")
        for rule in m["rules"]
    ]


def test_rules_have_no_wildcards(release: list[Manifest]) -> None:
    for name, rule in _rules(release):
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], name


def test_secrets_are_never_listed(release: list[Manifest]) -> None:
    for name, rule in _rules(release):
        if "secrets" in rule["resources"]:
            assert not {"list", "watch", "update", "delete"} & set(rule["verbs"]), name


def test_gpu_provisioner_never_touches_workspaces(release: list[Manifest]) -> None:
    rules = find(release, "ClusterRole", "kaito-gpu-provisioner")["rules"]
    assert all("kaito.sh" not in rule["apiGroups"] for rule in rules)


def test_front_door_has_no_api_access(release: list[Manifest]) -> None:
    pod = _deployment(release, "inference-gateway")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim", "nodepool", "byo"])
def test_one_value_selects_the_node_provisioner(provisioner: str) -> None:
    release = render({"global": {"nodeProvisioner": provisioner}})
    environment = _environment(_deployment(release, "workspace-controller"))
    assert environment["KAITO_NODE_PROVISIONER"] == provisioner


def test_crds_are_installed_and_kept_on_uninstall(release: list[Manifest]) -> None:
    crds = [m for m in release if m["kind"] == "CustomResourceDefinition"]
    assert {crd["metadata"]["name"] for crd in crds} == {
        "workspaces.kaito.sh",
        "inferencesets.kaito.sh",
        "machines.karpenter.sh",
        "nodeclaims.karpenter.sh",
    }
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize("key", sorted(AZURE["gpu-provisioner"]["settings"]))
def test_missing_azure_setting_is_refused_with_its_name(key: str) -> None:
    with pytest.raises(HelmRenderError, match=rf"gpu-provisioner\.settings\.{key} is empty"):
        render({"gpu-provisioner": {"settings": {key: ""}}})


def test_disabled_services_render_nothing() -> None:
    off: dict[str, Any] = {name: {"enabled": False} for name in SERVICES}
    assert render(off) == []


def test_the_registry_is_one_value() -> None:
    release = render({"global": {"image": {"registry": "example.test/kaito", "tag": "7"}}})
    for service in SERVICES:
        container = _deployment(release, service)["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == f"example.test/kaito/{service}:7"
    environment = _environment(_deployment(release, "workspace-controller"))
    assert environment["KAITO_TUNER_IMAGE"] == "example.test/kaito/tuner:7"


@pytest.mark.parametrize("service", SERVICES)
def test_pods_carry_the_labels_of_their_selector(release: list[Manifest], service: str) -> None:
    spec = _deployment(release, service)["spec"]
    assert spec["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/instance": "kaito",
    }
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_every_object_has_the_standard_labels(release: list[Manifest]) -> None:
    standard = {"name", "instance", "version", "part-of", "managed-by"}
    for manifest in release:
        if manifest["kind"] != "CustomResourceDefinition":
            labels = {f"app.kubernetes.io/{name}" for name in standard} | {"helm.sh/chart"}
            assert labels <= set(manifest["metadata"]["labels"]), manifest["metadata"]["name"]


def test_ai_runway_finds_the_controller(release: list[Manifest]) -> None:
    """It selects Deployments by app.kubernetes.io/name in (workspace, ai-toolchain-operator)."""
    found = [
        manifest["metadata"]["name"]
        for manifest in release
        if manifest["kind"] == "Deployment"
        and manifest["metadata"]["labels"]["app.kubernetes.io/name"]
        in ("workspace", "ai-toolchain-operator")
    ]
    assert found == ["kaito-workspace-controller"]


def test_names_can_be_overridden() -> None:
    release = render(
        {
            "gpu-provisioner": {"fullnameOverride": "p"},
            "inference-gateway": {"nameOverride": "door"},
        }
    )
    names = {(m["kind"], m["metadata"]["name"]) for m in release}
    assert {("Deployment", "p"), ("ClusterRole", "p"), ("Service", "p")} <= names
    assert ("Deployment", "kaito-door") in names
    provisioner = find(release, "Deployment", "p")
    assert _environment(provisioner)["KAITO_LEASE_NAME"] == "p"


@pytest.mark.parametrize("service", SERVICES)
def test_scheduling_can_be_set(service: str) -> None:
    affinity: Manifest = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    wider = {"matchLabels": {"tier": "control"}}
    scheduling = {
        "affinity": affinity,
        "topologySpreadConstraints": [{**spread, "labelSelector": wider}, spread],
        "priorityClassName": "high",
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.test"}],
    }
    deployment = _deployment(render({service: scheduling}), service)
    pod = deployment["spec"]["template"]["spec"]
    assert pod["affinity"] == affinity
    assert pod["topologySpreadConstraints"] == [
        {**spread, "labelSelector": wider},
        {**spread, "labelSelector": deployment["spec"]["selector"]},
    ]
    assert pod["priorityClassName"] == "high"
    assert _environment(deployment)["HTTPS_PROXY"] == "http://proxy.test"


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.parent.name)
def test_every_value_is_documented(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 250
    leaf = re.compile(r"^(\s*)([A-Za-z][\w-]*):\s+\S")
    for number, line in enumerate(lines):
        if leaf.match(line) and not _inside_block(lines, number):
            assert _comment_above(lines, number), f"{path.parent.name}: {line.strip()}"


def _inside_block(lines: list[str], number: int) -> bool:
    """Lines of a `key: |` text or of a value that is explained as a whole."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    for above in reversed(lines[:number]):
        depth = len(above) - len(above.lstrip())
        if above.strip() and depth < indent:
            if above.rstrip().endswith("|") or _comment_above(lines, lines.index(above)):
                return True
            indent = depth
    return False


def _comment_above(lines: list[str], number: int) -> bool:
    while number > 0 and lines[number - 1].strip().startswith("#"):
        number -= 1
        if lines[number].strip().startswith("# --"):
            return True
    return False


def test_pod_monitor_selects_the_metrics_of_tuning_runs_and_models() -> None:
    assert not [each for each in render() if each["kind"] == "PodMonitor"]
    values = {"workspace-controller": {"podMonitor": {"enabled": True}}}
    monitor = find(render(values), "PodMonitor", "kaito-workspace-controller")["spec"]
    (expression,) = monitor["selector"]["matchExpressions"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    for manifest in (pod_of(tuning_pod()), model_pod()):
        ports = [port["name"] for made in everything(manifest) for port in made.get("ports", ())]
        assert endpoint["port"] in ports
    assert expression == {"key": labels.WORKSPACE, "operator": "Exists"}
    assert monitor["namespaceSelector"] == {"any": True}


def test_endpoint_picker_has_a_port_only_when_it_is_on(release: list[Manifest]) -> None:
    values = {"inference-gateway": {"settings": {"pickerPort": 9002}}}
    for found, number in ((release, 0), (render(values), 9002)):
        gateway = _deployment(found, "inference-gateway")
        assert _environment(gateway)["KAITO_PICKER_PORT"] == str(number)
        container = gateway["spec"]["template"]["spec"]["containers"][0]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        service = find(found, "Service", "kaito-inference-gateway")
        served = {each["name"]: each["port"] for each in service["spec"]["ports"]}
        assert ports.get("picker", 0) == served.get("picker", 0) == number
