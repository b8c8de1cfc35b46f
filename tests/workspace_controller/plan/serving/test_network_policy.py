"""Who may reach a model's pods: requests from everywhere, administration from the controller."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import NETWORK_POLICY, Manifest
from tests.workspace_controller.given import (
    RELEASE,
    inference,
    inference_workspace,
    observation,
    settings,
    stored,
)
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.serving.network_policy import decide_network_policy
from workspace_controller.settings import AdapterDelivery, ModelDelivery

ONE, TWO = NodePlan(conditions=(), target=1), NodePlan(conditions=(), target=2)
CONTROLLER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": RELEASE}},
    "podSelector": {
        "matchLabels": {
            "app.kubernetes.io/instance": "kaito",
            "app.kubernetes.io/component": "workspace-controller",
        }
    },
}


def decided(
    manifest: Manifest | None = None, nodes: NodePlan = ONE, **changes: Any
) -> tuple[Action, ...]:
    observed = observation(stored(manifest or inference_workspace()), **changes)
    assert observed.spec is not None
    return decide_network_policy(observed, observed.spec, nodes)


def made(nodes: NodePlan = ONE, **changes: Any) -> Manifest:
    (action,) = decided(nodes=nodes, **changes)
    assert isinstance(action, Apply)
    assert action.kind is NETWORK_POLICY
    assert action.verify_owner
    return action.manifest


IS = made()


def sources_of(port: int, policy: Manifest) -> list[Any]:
    """Whom the policy lets reach a port; None is everybody."""
    rules = [
        rule
        for rule in policy["spec"]["ingress"]
        if port in [each["port"] for each in rule.get("ports", ())]
    ]
    return [rule.get("from") for rule in rules]


def test_it_selects_the_pods_that_serve_the_model() -> None:
    assert IS["spec"]["podSelector"] == {
        "matchLabels": {labels.WORKSPACE: "ws", labels.ROLE: "inference"}
    }


@pytest.mark.parametrize("port", [5000, 29500, 9400])
def test_requests_and_metrics_are_open_to_all(port: int) -> None:
    assert sources_of(port, IS) == [None]


def test_administration_is_open_to_the_controller_alone() -> None:
    assert sources_of(29501, IS) == [[CONTROLLER]]
    # A rule without ports would open all of them.
    assert all(rule.get("ports") for rule in IS["spec"]["ingress"])


def test_pods_have_no_way_out() -> None:
    assert IS["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in IS["spec"]


def test_pods_that_download_or_span_nodes_have_a_way_out() -> None:
    hub = made(settings=settings(model_delivery=ModelDelivery.HUB))
    spanning = made(nodes=TWO)
    assert hub["spec"]["policyTypes"] == spanning["spec"]["policyTypes"] == ["Ingress"]
    own = {"podSelector": {"matchLabels": IS["spec"]["podSelector"]["matchLabels"]}}
    assert {"from": [own]} in spanning["spec"]["ingress"]


def ports_out(image: str, **changes: Any) -> set[tuple[str, int]]:
    """Where the pods of a model with this adapter may go."""
    adapters = [{"source": {"name": "style", "image": image, "imagePullSecrets": ["pull"]}}]
    manifest = inference_workspace(inference=inference(adapters=adapters))
    deployment = changes.pop("deployment", None)
    given = settings(administration_key="key", insecure_registries=("plain.io",), **changes)
    (action,) = decided(manifest, settings=given, deployment=deployment)
    assert isinstance(action, Apply)
    rules = action.manifest["spec"].get("egress", [])
    assert all("to" not in rule for rule in rules)
    return {(port["protocol"], port["port"]) for rule in rules for port in rule["ports"]}


DNS = {("UDP", 53), ("TCP", 53)}


@pytest.mark.parametrize(
    ("image", "ports"),
    [
        ("r.io/a:1", {443}),
        ("r.io:5000/a:1", {443, 5000}),
        ("plain.io/a:1", {80, 443}),
    ],
)
def test_pods_that_pull_adapters_reach_registries_and_nothing_else(
    image: str, ports: set[int]
) -> None:
    assert ports_out(image) == DNS | {("TCP", port) for port in ports}
    assert ports_out(image, adapter_delivery=AdapterDelivery.MOUNT) == set()


def test_pods_that_wait_for_their_turn_to_mount_still_reach_registries() -> None:
    pulls = {"name": "model-server", "env": [{"name": "KAITO_PULLED_ADAPTERS_DIR", "value": "/p"}]}
    present = {"spec": {"template": {"spec": {"containers": [pulls]}}}}
    given = {"adapter_delivery": AdapterDelivery.MOUNT, "deployment": present}
    assert ports_out("r.io:5000/a:1", **given) == DNS | {("TCP", 443), ("TCP", 5000)}


@pytest.mark.parametrize(
    ("present", "actions"),
    [
        (IS, 0),
        ({**IS, "spec": {**IS["spec"], "ingress": [{}]}}, 1),
        ({**IS, "spec": {**IS["spec"], "policyTypes": ["Ingress"]}}, 1),
        ({**IS, "metadata": {**IS["metadata"], "annotations": {}}}, 1),
        ({**IS, "metadata": {**IS["metadata"], "deletionTimestamp": "x"}}, 0),
    ],
    ids=["right", "opened", "types", "revision", "being deleted"],
)
def test_policy_is_restored_when_it_was_edited(present: Manifest, actions: int) -> None:
    assert len(decided(network_policy=present)) == actions


OFF = {"settings": settings(network_policies=False)}
TEMPLATE = inference_workspace(inference={"template": {"spec": {"containers": []}}})


@pytest.mark.parametrize("given", [OFF, {"manifest": TEMPLATE}], ids=["off", "own template"])
def test_where_there_is_to_be_none_it_is_deleted(given: dict[str, Any]) -> None:
    assert decided(**given) == ()
    assert decided(**given, network_policy=IS) == (Delete(NETWORK_POLICY, "ws", "team"),)
