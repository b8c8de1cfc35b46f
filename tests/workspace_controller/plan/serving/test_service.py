"""The Service is created and restored, and nothing else is written."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import SERVICE, Manifest
from tests.workspace_controller.given import inference_workspace, observation, stored
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.serving.service import decide_service

ONE = NodePlan(conditions=(), target=1)


def decided(
    manifest: Manifest | None = None, nodes: NodePlan = ONE, **changes: Any
) -> tuple[Action, ...]:
    observed = observation(stored(manifest or inference_workspace()), **changes)
    assert observed.spec is not None
    return decide_service(observed, observed.spec, nodes, None)


def made(manifest: Manifest | None = None) -> Manifest:
    (action,) = decided(manifest)
    assert isinstance(action, Apply) and action.kind is SERVICE
    return action.manifest


IS = made()


def changed(**spec: Any) -> Manifest:
    return {**IS, "spec": {**IS["spec"], **spec}}


@pytest.mark.parametrize(
    ("present", "actions"),
    [
        (IS, 0),
        (changed(clusterIP="10.0.0.1", sessionAffinity="None"), 0),
        (changed(type="NodePort"), 1),
        (changed(selector={"app": "other"}), 1),
        (changed(ports=IS["spec"]["ports"][:1]), 1),
        ({**IS, "metadata": {**IS["metadata"], "annotations": {}}}, 1),
        ({**IS, "metadata": {**IS["metadata"], "deletionTimestamp": "x"}}, 0),
    ],
    ids=["right", "with defaults", "type", "selector", "ports", "revision", "being deleted"],
)
def test_service_is_restored_when_it_was_edited(present: Manifest, actions: int) -> None:
    assert len(decided(services={"ws": present})) == actions


@pytest.mark.parametrize(
    ("value", "type_"), [("True", "LoadBalancer"), ("true", "ClusterIP"), ("", "ClusterIP")]
)
def test_annotation_makes_the_service_a_load_balancer(value: str, type_: str) -> None:
    asked = inference_workspace(annotations={labels.ENABLE_LOAD_BALANCER: value})
    assert made(asked)["spec"]["type"] == type_


def test_model_that_spans_nodes_has_a_headless_service() -> None:
    actions = decided(nodes=NodePlan(conditions=(), target=2))
    names = [action.manifest["metadata"]["name"] for action in actions if isinstance(action, Apply)]
    assert names == ["ws", "ws-headless"]


def template(*ports: Any) -> Manifest:
    containers = [{"name": "c", "ports": list(ports)}]
    return inference_workspace(inference={"template": {"spec": {"containers": containers}}})


@pytest.mark.parametrize(
    ("ports", "target"),
    [
        (({"containerPort": 8000},), 8000),
        (({"containerPort": 9000}, {"name": "http", "containerPort": 8000}), 8000),
    ],
    ids=["the only one", "the one named http"],
)
def test_service_leads_to_the_port_of_a_custom_template(
    ports: tuple[Any, ...], target: int
) -> None:
    assert [p["targetPort"] for p in made(template(*ports))["spec"]["ports"]] == [target]


@pytest.mark.parametrize("ports", [(), ("odd",), ({"containerPort": "http"},)])
def test_custom_template_without_a_port_has_no_service(ports: tuple[Any, ...]) -> None:
    assert decided(template(*ports)) == ()
    assert decided(template(*ports), services={"ws": IS}) == (Delete(SERVICE, "ws", "team"),)


def test_an_engine_in_the_users_own_pods_has_both_ports_of_a_preset() -> None:
    ports = made(template({"name": "openai", "containerPort": 8000}))["spec"]["ports"]
    assert [(p["port"], p["targetPort"]) for p in ports] == [(80, 5000), (29500, 29500)]
