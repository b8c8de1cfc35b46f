"""What status.adapters says when the pods do not pull adapters any longer."""

from dataclasses import replace

import pytest

from kaito.inference.v1 import inference_pb2
from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    resource,
    settings,
)
from tests.workspace_controller.harness import Environment
from workspace_controller.settings import AdapterDelivery

WITH_KEY = settings(administration_key="key")
ADDRESS = "10.0.0.1"
STYLE = {"source": {"name": "style", "image": "r.io/style:1", "imagePullSecrets": ["pull"]}}


async def pulling(runtime: str) -> Environment:
    """A Workspace whose pod has pulled an adapter."""
    environment = Environment(WITH_KEY)
    data = {".dockerconfigjson": "e30="}
    secret = {"metadata": {"name": "pull", "namespace": NAMESPACE}, "data": data}
    environment.cluster.seed(kinds.SECRET, secret)
    manifest = inference_workspace(
        resource=resource(instanceType="Standard_NC24ads_A100_v4"),
        inference=inference(adapters=[STYLE]),
    )
    annotations = {**manifest["metadata"].get("annotations", {}), labels.RUNTIME: runtime}
    manifest = {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}
    environment.apply(manifest)
    environment.replica.adapters.lists[ADDRESS] = inference_pb2.SetPulledAdaptersRequest()
    await environment.settle()
    assert adapters(environment) == {"style": "Serving"}
    return environment


def adapters(environment: Environment) -> dict[str, str]:
    listed: list[Manifest] = environment.workspace()["status"].get("adapters") or []
    return {each["name"]: each["state"] for each in listed}


@pytest.mark.parametrize("runtime", ["transformers", "vllm"])
async def test_the_last_adapter_leaves_the_status(runtime: str) -> None:
    """With vLLM, the pod is replaced by one that pulls none."""
    environment = await pulling(runtime)
    patch: Manifest = {"inference": inference(adapters=[])}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle(60)
    assert adapters(environment) == {}


async def test_adapters_that_are_mounted_now_are_not_said_to_be_pulled() -> None:
    environment = await pulling("vllm")
    environment.settings = replace(WITH_KEY, adapter_delivery=AdapterDelivery.MOUNT)
    environment.replica = environment.new_replica()
    environment.replica.adapters.pods = {ADDRESS: ()}
    await environment.settle(60)
    assert adapters(environment) == {}


async def test_a_pod_that_does_not_answer_for_a_while_changes_no_state() -> None:
    environment = await pulling("vllm")
    del environment.replica.adapters.lists[ADDRESS]
    await environment.replica.round()
    assert adapters(environment) == {"style": "Serving"}
