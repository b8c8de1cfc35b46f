"""Workspaces of models that only the hub knows: looked up, pinned, planned and served."""

import base64
from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from kaito_presets.hub.model_files import ModelFiles
from tests.kaito_presets.hub.repositories import llama, model_files, whole
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    resource,
    settings,
)
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import conditions
from workspace_controller.hub.client import HubAway
from workspace_controller.webhook.validator import Validator

NAME = "org/Small-1B"
OLD, NEW = "a" * 40, "b" * 40
AWAY = HubAway("https://hub.example does not answer in time")


def repository(gib: float = 1.0, commit: str = OLD, **facts: Any) -> ModelFiles:
    config = llama(16, 16, 4, 2048, **facts.pop("config", {}))
    files = model_files(NAME, config, whole(gib), **facts)
    changed = {**{f: getattr(files.repository, f) for f in ("name", "requested", "gated", "task")}}
    return ModelFiles(
        repository=type(files.repository)(
            **changed, commit=commit, files=files.repository.files, license="mit"
        ),
        texts=files.texts,
    )


def served(annotations: dict[str, str] | None = None, **preset: Any) -> Manifest:
    return inference_workspace(
        inference=inference(preset={"name": NAME, **preset}),
        resource=resource(instanceType="Standard_NC24ads_A100_v4"),
        annotations=annotations or {},
    )


def environment_with(
    *files: ModelFiles, manifest: Manifest | None = None, **changes: Any
) -> Environment:
    environment = Environment(settings(**changes))
    for each in files:
        environment.hub.add(each)
    environment.apply(manifest or served())
    return environment


def status(environment: Environment) -> Manifest:
    found: Manifest = environment.workspace().get("status") or {}
    return found


def download(environment: Environment) -> dict[str, str]:
    """The environment of the container that downloads the model."""
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    (container, *_) = deployment["spec"]["template"]["spec"]["initContainers"]
    assert container["name"] == "model-download"
    return {each["name"]: each.get("value", "") for each in container["env"]}


async def test_a_model_of_the_hub_is_looked_up_planned_and_served() -> None:
    environment = environment_with(repository())
    await environment.settle()
    found = status(environment)
    assert found["state"] == "Ready"
    assert found["engine"] == "vllm"
    model = found["model"]
    assert (model["name"], model["revision"], model["requested"]) == (NAME, OLD, "main")
    assert (model["weights"], model["contextLength"]) == ("1.00Gi", 131072)
    assert found["estimate"]["weights"] == "1.02Gi"
    env = download(environment)
    assert (env["KAITO_HUB_ID"], env["KAITO_HUB_REVISION"]) == (NAME, OLD)
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    server = deployment["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "KAITO_MODEL_NAME", "value": NAME} in server["env"]


async def test_the_commit_is_in_the_status_before_a_node_is_requested() -> None:
    environment = environment_with(repository())
    await environment.replica.round()
    assert status(environment)["model"]["revision"] == OLD
    assert not environment.cluster.objects(kinds.MACHINE)
    await environment.replica.round()
    assert environment.cluster.objects(kinds.MACHINE)


async def test_the_hub_is_asked_once_and_no_restart_asks_it_again() -> None:
    environment = environment_with(repository())
    await environment.settle()
    assert environment.hub.calls == [
        f"{NAME}@main",
        f"{NAME}/config.json",
        f"{NAME}/tokenizer_config.json",
    ]
    environment.replica = environment.new_replica()
    await environment.settle()
    assert len(environment.hub.calls) == 3


async def test_a_branch_that_moves_changes_nothing() -> None:
    environment = environment_with(repository())
    await environment.settle()
    (before,) = environment.cluster.objects(kinds.DEPLOYMENT)
    environment.hub.add(repository(2.0, NEW))
    environment.replica = environment.new_replica()
    await environment.settle()
    assert status(environment)["model"]["revision"] == OLD
    (after,) = environment.cluster.objects(kinds.DEPLOYMENT)
    assert after["spec"] == before["spec"]


async def test_the_annotation_moves_a_model_to_another_commit() -> None:
    environment = environment_with(repository())
    await environment.settle()
    environment.hub.add(repository(2.0, NEW))
    manifest = environment.workspace()
    manifest["metadata"]["annotations"] = {"kaito.sh/model-revision": NEW}
    environment.apply(manifest)
    await environment.settle()
    assert status(environment)["model"]["revision"] == NEW
    assert status(environment)["state"] == "Ready"
    assert download(environment)["KAITO_HUB_REVISION"] == NEW


async def test_a_model_that_serves_outlives_the_hub() -> None:
    environment = environment_with(repository())
    await environment.settle()
    environment.hub.error = AWAY
    environment.replica = environment.new_replica()
    await environment.settle()
    assert status(environment)["state"] == "Ready"
    assert len(environment.hub.calls) == 3


async def test_a_change_of_revision_waits_for_the_hub_and_the_old_one_answers() -> None:
    environment = environment_with(repository())
    await environment.settle()
    environment.hub.error = AWAY
    manifest = environment.workspace()
    manifest["metadata"]["annotations"] = {"kaito.sh/model-revision": NEW}
    environment.apply(manifest)
    await environment.settle()
    assert status(environment)["state"] == "Ready"
    assert download(environment)["KAITO_HUB_REVISION"] == OLD
    environment.hub.error = None
    environment.hub.add(repository(2.0, NEW))
    environment.clock.advance(3600)
    await environment.settle()
    assert download(environment)["KAITO_HUB_REVISION"] == NEW


async def test_a_revision_that_does_not_exist_is_named_and_the_old_one_answers() -> None:
    environment = environment_with(repository())
    await environment.settle()
    manifest = environment.workspace()
    manifest["metadata"]["annotations"] = {"kaito.sh/model-revision": "v9"}
    environment.apply(manifest)
    await environment.settle()
    found = conditions(environment.workspace())
    assert found["ResourceReady"] == "False/ModelUnknown"
    assert found["InferenceReady"] == "True/InferenceReady"
    assert download(environment)["KAITO_HUB_REVISION"] == OLD


async def test_while_the_hub_is_away_no_node_is_requested() -> None:
    environment = environment_with(repository())
    environment.hub.error = AWAY
    await environment.settle()
    assert conditions(environment.workspace())["ResourceReady"] == "False/HubUnavailable"
    assert status(environment)["state"] == "Pending"
    assert not environment.cluster.objects(kinds.MACHINE)
    environment.hub.error = None
    environment.clock.advance(3600)
    await environment.settle()
    assert status(environment)["state"] == "Ready"


@pytest.mark.parametrize(
    ("files", "reason", "state"),
    [
        (None, "ModelUnknown", "Failed"),
        (repository(gated=True), "ModelGated", "Pending"),
        (repository(config={"architectures": ["BertModel"]}), "ModelNotServed", "Failed"),
        (repository(config={"auto_map": {"AutoConfig": "x.Y"}, "model_type": "own"}),
         "ModelNotServed", "Failed"),
        (repository(5000.0), "InstanceTypeTooSmall", "Failed"),
    ],
    ids=["unknown", "gated", "not served", "needs its code", "too large"],
)  # fmt: skip
async def test_what_cannot_be_served_costs_no_node(
    files: ModelFiles | None, reason: str, state: str
) -> None:
    environment = environment_with(*(files,) if files is not None else ())
    await environment.settle()
    assert conditions(environment.workspace())["ResourceReady"] == f"False/{reason}"
    assert status(environment)["state"] == state
    assert not environment.cluster.objects(kinds.MACHINE)


async def test_a_model_that_is_published_later_is_found() -> None:
    environment = environment_with()
    await environment.settle()
    environment.hub.add(repository())
    environment.clock.advance(3600)
    await environment.settle()
    assert status(environment)["state"] == "Ready"


async def test_a_gated_model_is_served_with_a_token_that_only_the_download_gets() -> None:
    manifest = served(presetOptions={"modelAccessSecret": "hf"})
    environment = environment_with(repository(gated=True), manifest=manifest)
    environment.hub.tokens = {"hf_secret": frozenset({NAME})}
    await environment.settle()
    assert conditions(environment.workspace())["ResourceReady"] == "False/SecretMissing"
    assert not environment.hub.calls
    secret = {"name": "hf", "namespace": NAMESPACE}
    token = base64.b64encode(b"hf_secret\n").decode()
    environment.cluster.seed(kinds.SECRET, {"metadata": secret, "data": {"HF_TOKEN": token}})
    environment.clock.advance(3600)
    await environment.settle()
    assert status(environment)["state"] == "Ready"
    assert "hf_secret" not in str(environment.cluster.objects(kinds.DEPLOYMENT))
    assert "hf_secret" not in str(environment.workspace())


async def test_code_of_the_repository_runs_only_where_the_annotation_trusts_it() -> None:
    own = {"auto_map": {"AutoConfig": "x.Y"}, "model_type": "own"}
    manifest = served({"kaito.sh/trust-remote-code": "true"})
    environment = environment_with(repository(config=own), manifest=manifest)
    await environment.settle()
    assert status(environment)["state"] == "Ready"
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    engine = deployment["spec"]["template"]["spec"]["initContainers"][-1]
    assert "--trust-remote-code" in engine["args"]


async def test_the_webhook_checks_the_name_and_calls_nobody() -> None:
    environment = environment_with(repository())
    validator = Validator(environment.replica.reconciler.observer)
    assert not await validator.check(environment.workspace())
    assert environment.hub.calls == []


async def test_a_preset_is_never_asked_about() -> None:
    preset = inference_workspace(
        inference=inference(preset={"name": "microsoft/Phi-3-mini-128k-instruct"})
    )
    environment = environment_with(manifest=preset)
    await environment.settle()
    assert environment.hub.calls == []
    assert "model" not in status(environment)


@pytest.mark.parametrize(
    ("level", "volume", "log"),
    [
        ("", "hostPath", None),
        ("privileged", "hostPath", None),
        ("restricted", "emptyDir", "enforces the Pod Security level restricted"),
    ],
)
async def test_a_node_keeps_the_model_where_the_namespace_allows_it(
    level: str, volume: str, log: str | None
) -> None:
    environment = environment_with(repository(), model_cache="/var/lib/kaito/models")
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    environment.cluster.seed(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE, "labels": labels}})
    await environment.settle()
    assert status(environment)["state"] == "Ready"
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    (model,) = (each for each in volumes if each["name"] == "model")
    assert volume in model
    assert (log or "") in download(environment).get("KAITO_MODEL_UNCACHED", "")
    assert (log is None) == ("KAITO_MODEL_CACHE" in download(environment))
