"""A real API server takes the pods that serve a model, and changes nothing that is compared."""

from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.connect import connect
from kaito_presets.preset import Runtime
from tests.workspace_controller.apiserver.sandbox import Sandbox
from tests.workspace_controller.given import settings
from tests.workspace_controller.manifests.pod_builders import model_pod, source
from workspace_controller.manifests.metadata import Owner
from workspace_controller.manifests.own_engine_pod import OwnEngine, with_own_engine
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.workload import (
    Workload,
    custom_template,
    deployment,
    stateful_set,
    template_of,
    updated,
)
from workspace_controller.settings import ModelDelivery

VLLM: dict[str, Any] = {
    "engine": Runtime.VLLM,
    "vllm_arguments": ("/mnt/model", "--port=8000"),
}


@pytest.mark.parametrize(
    "pod",
    [
        model_pod(**VLLM),
        model_pod(**VLLM, model=source(delivery=ModelDelivery.HUB, access_secret="hf"), nodes=2),
        model_pod(model=source(delivery=ModelDelivery.HUB)),
        model_pod(**VLLM, pulls_adapters=True),
    ],
    ids=["vllm", "vllm on several nodes", "transformers, downloaded", "pulls adapters"],
)
async def test_pods_meet_the_restricted_standard_and_stay_as_they_are(
    sandbox: Sandbox, pod: dict[str, Any]
) -> None:
    restricted = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    sandbox.api.admin.merge(f"/api/v1/namespaces/{sandbox.namespace}", restricted)
    workspace = sandbox.workspace()
    owner = Owner(sandbox.namespace, "ws", workspace["metadata"]["uid"])
    template = template_of(owner, pod)
    sandbox.create(
        kinds.POD, {"metadata": {"name": "one", **template["metadata"]}, "spec": template["spec"]}
    )
    wanted = stateful_set(Workload(owner=owner, template=template, replicas=2))
    async with connect("kaito-test") as cluster:
        for _ in range(2):
            await cluster.apply(kinds.STATEFUL_SET, updated(wanted, surge=False, updating=False))
    made = sandbox.get(kinds.STATEFUL_SET, "ws")
    assert made is not None and made["metadata"]["generation"] == 1


async def test_an_engine_in_the_users_own_pod_is_taken_and_stays_as_it_is(
    sandbox: Sandbox,
) -> None:
    workspace = sandbox.workspace()
    owner = Owner(sandbox.namespace, "ws", workspace["metadata"]["uid"])
    own: dict[str, Any] = {
        "name": "tgi",
        "image": "i",
        "ports": [{"name": "tgi", "containerPort": 8000}],
        "startupProbe": {"tcpSocket": {"port": 8000}},
        "readinessProbe": {"httpGet": {"port": "tgi", "path": "/health"}},
    }
    placement = Placement(owner=owner, node_labels={}, instance_type="", gpus={})
    template = custom_template(owner, {"spec": {"containers": [own]}}, placement)
    engine = OwnEngine("text-generation-server", "tgi", 8000)
    pod = with_own_engine(template, engine, owner, settings(), 0)
    sandbox.create(kinds.POD, {"metadata": {"name": "one", **pod["metadata"]}, "spec": pod["spec"]})
    wanted = deployment(Workload(owner=owner, template=pod, replicas=1))
    async with connect("kaito-test") as cluster:
        for _ in range(2):
            await cluster.apply(kinds.DEPLOYMENT, updated(wanted, surge=False, updating=False))
    made = sandbox.get(kinds.DEPLOYMENT, "ws")
    assert made is not None and made["metadata"]["generation"] == 1
    (sidecar,) = made["spec"]["template"]["spec"]["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("tgi", "Always")
