"""Service, Deployment, StatefulSet, and their metadata."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_api.manifest import Opaque
from tests.workspace_controller.given import INSTANCE, OWNER
from workspace_controller.manifests.metadata import (
    belongs_to,
    digest,
    metadata,
    revision_of,
    with_revision,
)
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.service import Exposure, headless_service, service
from workspace_controller.manifests.workload import (
    Workload,
    custom_template,
    deployment,
    stateful_set,
    template_of,
)

PLACING = Placement(owner=OWNER, node_labels={"app": "phi"}, instance_type=INSTANCE, gpus={})
WORKLOAD = Workload(owner=OWNER, template=template_of(OWNER, {"containers": []}), replicas=2)


def test_every_object_has_owner_and_labels() -> None:
    made = metadata(OWNER, "ws", "tuning")
    (reference,) = made["ownerReferences"]
    assert reference["controller"] is True and reference["kind"] == "Workspace"
    assert made["labels"].items() >= {**OWNER.labels, labels.ROLE: "tuning"}.items()
    assert belongs_to({"metadata": made}, OWNER)


def test_revision_depends_on_the_content() -> None:
    one, two = (with_revision({"metadata": {"name": "x"}, "spec": {"n": n}}) for n in (1, 2))
    assert revision_of(one) != revision_of(two)
    assert revision_of({"metadata": {}}) == ""


def test_digest_does_not_depend_on_key_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})


@pytest.mark.parametrize(
    ("exposure", "spec"),
    [
        ({}, {"type": "ClusterIP", "publishNotReadyAddresses": False}),
        ({"training": True}, {"publishNotReadyAddresses": True}),
        ({"load_balancer": True}, {"type": "LoadBalancer"}),
        (
            {"first_pod_only": True},
            {
                "selector": {
                    labels.WORKSPACE: "ws",
                    labels.ROLE: "inference",
                    "statefulset.kubernetes.io/pod-name": "ws-0",
                }
            },
        ),
    ],
    ids=["serving", "training", "load balancer", "spanning nodes"],
)
def test_service_ports_and_selector(exposure: dict[str, Any], spec: dict[str, Any]) -> None:
    made = service(Exposure(owner=OWNER, **exposure))
    assert made["spec"].items() >= spec.items()
    ports = [(p["name"], p["port"], p["targetPort"]) for p in made["spec"]["ports"]]
    assert ports == [("http", 80, 5000), ("grpc", 29500, 29500)]


def test_headless_service_has_no_cluster_ip() -> None:
    assert headless_service(OWNER)["spec"]["clusterIP"] == "None"


def test_deployment_frees_its_gpu_before_the_next_pod_starts() -> None:
    made = deployment(WORKLOAD)
    assert made["spec"]["strategy"] == {"type": "Recreate"}
    template = made["spec"]["template"]["metadata"]["labels"]
    assert template.items() >= made["spec"]["selector"]["matchLabels"].items()


def test_stateful_set_starts_its_pods_in_parallel() -> None:
    made = stateful_set(WORKLOAD)
    assert made["spec"]["podManagementPolicy"] == "Parallel"
    assert made["spec"]["serviceName"] == "ws-headless"


def test_custom_template_keeps_its_own_fields() -> None:
    template: Opaque = {
        "metadata": {"labels": {"mine": "yes"}},
        "spec": {
            "containers": [{"name": "c"}],
            "tolerations": [{"key": "mine", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {}},
        },
    }
    made = custom_template(OWNER, template, PLACING)
    assert made["metadata"]["labels"].items() >= {"mine": "yes", **OWNER.labels}.items()
    assert made["spec"]["tolerations"][0] == {"key": "mine", "operator": "Exists"}
    assert set(made["spec"]["affinity"]) == {"podAntiAffinity", "nodeAffinity"}
    assert template["metadata"] == {"labels": {"mine": "yes"}}
