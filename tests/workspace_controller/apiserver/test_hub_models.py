"""Models of the hub on a real API server, which prunes what the CRD does not know."""

import json
from collections.abc import Iterator

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from kaito_presets.hub.stored import from_status
from tests.hub_stand_in import COMMIT, HubStandIn, StoredModel, hub_stand_in
from tests.kaito_presets.hub.repositories import TOOLS, deepseek_v3
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually

NAME, GATED = "org/Latent-Experts", "org/Gated"


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    files = {
        "config.json": json.dumps(deepseek_v3()).encode(),
        "tokenizer_config.json": json.dumps({"chat_template": TOOLS}).encode(),
        "model.safetensors": b"w" * 2**20,
    }
    models = {NAME: StoredModel(files), GATED: StoredModel(dict(files), gated=True)}
    with hub_stand_in(HubStandIn(models=models)) as stand_in:
        yield stand_in


def serve(sandbox: Sandbox, name: str, model: str) -> None:
    given: Manifest = {
        "metadata": {"name": name},
        "resource": {"labelSelector": {"matchLabels": {"app": "phi"}}},
        "inference": {"preset": {"name": model}},
    }
    sandbox.create(kinds.WORKSPACE, given)


def status(sandbox: Sandbox, name: str) -> Manifest:
    found: Manifest = (sandbox.get(kinds.WORKSPACE, name) or {}).get("status") or {}
    return found


def resource(sandbox: Sandbox, name: str) -> str:
    return sandbox.status_and_reason(name, "ResourceReady")


async def test_a_model_is_pinned_in_a_status_that_outlives_the_hub(
    sandbox: Sandbox, hub: HubStandIn
) -> None:
    sandbox.node("node-a")
    serve(sandbox, "ws", NAME)
    async with sandbox.controller("byo", hub_endpoint=hub.address):
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws") is not None)
    pinned = status(sandbox, "ws")["model"]
    model = from_status(pinned)
    assert model is not None
    assert (model.revision, model.preset.attention.kind, model.experts) == (COMMIT, "MLA", 256)
    deployment = sandbox.get(kinds.DEPLOYMENT, "ws")
    assert deployment is not None
    (download, *_) = deployment["spec"]["template"]["spec"]["initContainers"]
    env = {each["name"]: each.get("value") for each in download["env"]}
    assert (env["KAITO_HUB_REVISION"], env["HF_ENDPOINT"]) == (COMMIT, hub.address)
    asked, hub.status = len(hub.requests), 503
    sandbox.delete(kinds.DEPLOYMENT, "ws")
    async with sandbox.controller("byo", hub_endpoint=hub.address):
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws") is not None)
    assert status(sandbox, "ws")["model"] == pinned
    assert len(hub.requests) == asked


async def test_what_the_hub_refuses_is_in_the_condition(sandbox: Sandbox, hub: HubStandIn) -> None:
    serve(sandbox, "gated", GATED)
    serve(sandbox, "unknown", "org/none")
    async with sandbox.controller("byo", hub_endpoint=hub.address):
        await eventually(lambda: resource(sandbox, "gated") == "False/ModelGated")
        await eventually(lambda: resource(sandbox, "unknown") == "False/ModelUnknown")
    assert status(sandbox, "gated")["state"] == "Pending"
    assert status(sandbox, "unknown")["state"] == "Failed"
