"""Problems of a Workspace: reason, field, and message."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from kaito_presets import catalog
from tests.workspace_controller.given import (
    CONFIG,
    claim,
    inference,
    inference_workspace,
    observation,
    resource,
    settings,
    stored,
    tuning,
    tuning_workspace,
)
from workspace_controller.observed import SecretFact, UserFile, VolumeClaimFact
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.validation import problems

SERVE_NOT = {"kaito.sh/serve-tuned-model": "false"}
QUANTIZED = "QuantizationConfig: {load_in_4bit: true}"
BYPASS = {"kaito.sh/bypass-resource-checks": "true"}

# The adapter that the status has, under the same tag.
TUNED_FROM_OTHER_DATA = {
    "adapter": {"image": tuning()["output"]["image"], "digest": "sha256:aa", "revision": "other"}
}


def found(manifest: Manifest, **changes: Any) -> list[Problem]:
    observed = observation(stored(manifest), **changes)
    assert observed.spec is not None
    return list(problems(observed))


def user_file(text: str | None) -> UserFile:
    return UserFile("team", "mine", "training_config.yaml", text)


def with_type(name: str | None, **more: Any) -> Manifest:
    return inference_workspace(resource=resource(instanceType=name), **more)


def named(name: str, **more: Any) -> Manifest:
    return inference_workspace(inference=inference(preset={"name": name, **more}))


RIGHT = {
    "tuning": tuning_workspace(),
    "inference": inference_workspace(),
    "by hub id": named("microsoft/Phi-3-mini-128k-instruct"),
    "a model of the hub, before it is asked": named("org/model"),
    "by name in capitals": named("Phi-3-Mini-128k-Instruct"),
    "instance type in small letters": with_type("standard_nc6s_v3"),
    "unknown type, checks bypassed": with_type("Standard_XYZ", annotations=BYPASS),
    "private preset with its image": inference_workspace(
        resource=resource(instanceType="Standard_NC24ads_A100_v4"),
        inference=inference(
            preset={
                "name": "llama-2-7b",
                "accessMode": "private",
                "presetOptions": {"image": "r/llama:1"},
            }
        ),
    ),
}


@pytest.mark.parametrize("manifest", RIGHT.values(), ids=RIGHT)
def test_valid_workspace_has_no_problems(manifest: Manifest) -> None:
    assert found(manifest) == []


@pytest.mark.parametrize("text", [None, f"training_config: {{{QUANTIZED}}}"])
def test_pairs_of_answers_need_the_gpus_of_a_quantized_base_model(text: str | None) -> None:
    changes = {"preset": {"name": "mistral-7b-v0.3"}, "method": "dpo"}
    manifest = tuning_workspace(tuning=tuning(**changes), annotations=SERVE_NOT)
    assert found(manifest, **({"file": user_file(text)} if text else {})) == []


def test_adapter_that_is_not_served_may_be_trained() -> None:
    file = user_file(f"training_config: {{{QUANTIZED}, LoraConfig: {{use_dora: true}}}}")
    manifest = tuning_workspace(tuning=tuning(config="mine"), annotations=SERVE_NOT)
    assert found(manifest, file=file) == []


WRONG: dict[str, tuple[Manifest, dict[str, Any], str, str, list[str]]] = {
    "unknown preset": (
        named("phi-3-mini-128k-instrct"),
        {},
        "PresetUnknown",
        "inference.preset.name",
        ["'phi-3-mini-128k-instrct'", "did you mean phi-3-mini-128k-instruct"],
    ),
    "a preset without a similar name": (
        named("zzz"), {}, "PresetUnknown", "inference.preset.name", ["presets.md lists all"],
    ),
    "a model of the hub cannot be tuned": (
        tuning_workspace(tuning=tuning(preset={"name": "org/model"})),
        {},
        "PresetNotTunable",
        "tuning.preset.name",
        ["'org/model' is not a preset", "can only be served", "marks those that can be tuned"],
    ),
    "a model of the hub where none is asked": (
        named("org/model"),
        {"settings": settings(hub_endpoint="")},
        "PresetUnknown",
        "inference.preset.name",
        ["'org/model' is not a preset, and this release asks no hub (hubEndpoint)"],
    ),
    "a name that is neither a preset's nor the hub's": (
        named("org/model/x"),
        {},
        "PresetUnknown",
        "inference.preset.name",
        ["'org/model/x' is not a preset", "the Hugging Face hub is named organization/model"],
    ),
    "a revision that is none": (
        inference_workspace(
            inference=inference(preset={"name": "org/model"}),
            annotations={"kaito.sh/model-revision": "a b"},
        ),
        {},
        "WorkspaceInvalid",
        "metadata.annotations[kaito.sh/model-revision]",
        ["'a b' is not a branch, a tag or a commit: set one that org/model has, or remove"],
    ),
    "not tunable": (
        tuning_workspace(tuning=tuning(preset={"name": "falcon-7b-instruct"})),
        {},
        "PresetNotTunable",
        "resource.instanceType",
        ["falcon-7b-instruct"],
    ),
    "unknown instance type": (
        with_type("Standard_NC6s_v33"),
        {},
        "InstanceTypeUnknown",
        "resource.instanceType",
        ["'Standard_NC6s_v33'", "did you mean Standard_NC6s_v3"],
    ),
    "no instance type": (
        with_type(None), {}, "InstanceTypeRequired", "resource.instanceType", ["Standard_NC6s_v3"],
    ),
    "instance type with byo": (
        with_type("Standard_NC6s_v3"),
        {"settings": settings(node_provisioner="byo")},
        "InstanceTypeForbidden",
        "resource.instanceType",
        ["remove it"],
    ),
    "too small to serve": (
        inference_workspace(inference=inference(preset={"name": "phi-4"})),
        {},
        "InstanceTypeTooSmall",
        "resource.instanceType",
        ["phi-4", "GiB", "Standard_", "$"],
    ),
    "too small for pairs of answers on weights in 16 bits": (
        tuning_workspace(
            tuning=tuning(preset={"name": "mistral-7b-v0.3"}, method="dpo", config="mine"),
            annotations=SERVE_NOT,
        ),
        {"file": user_file("training_config: {QuantizationConfig: {load_in_4bit: false}}")},
        "InstanceTypeTooSmall",
        "resource.instanceType",
        ["dpo on a base model in 16 bits needs the GPUs of lora: lora of mistral-7b-v0.3 needs 1"],
    ),
    "tuned but not served": (
        tuning_workspace(tuning=tuning(preset={"name": "phi-4"})),
        {},
        "InstanceTypeTooSmall",
        "resource.instanceType",
        ["can be tuned on it but not served", "serve-tuned-model"],
    ),
    "gated and private": (
        named("llama-2-7b"), {}, "WorkspaceInvalid", "inference.preset.presetOptions",
        ["llama2", "accessMode private"],
    ),
    "missing ConfigMap": (
        tuning_workspace(tuning=tuning(config="mine")),
        {"file": user_file(None)},
        "ConfigMapMissing",
        "tuning.config",
        ["team/mine", "training_config.yaml"],
    ),
    "configuration that contradicts the method": (
        tuning_workspace(tuning=tuning(config="mine")),
        {"file": user_file("training_config: {}")},
        "ConfigInvalid",
        "tuning.config",
        ["qlora", "load_in_4bit"],
    ),
    "options of another method": (
        tuning_workspace(tuning=tuning(method="dpo", config="mine")),
        {"file": user_file("training_config: {TrainingArguments: {packing: true}}")},
        "ConfigInvalid",
        "tuning.config",
        ["TrainingArguments.packing is no option of tuning.method dpo", "method lora or qlora"],
    ),
    "configuration with a value of the wrong type": (
        tuning_workspace(tuning=tuning(config="mine")),
        {"file": user_file(f"training_config: {{{QUANTIZED}, LoraConfig: {{r: eight}}}}")},
        "ConfigInvalid",
        "tuning.config",
        ["team/mine cannot be used", "LoraConfig.r is 'eight'", "use a whole number"],
    ),
    "configuration of an adapter that is not served": (
        tuning_workspace(tuning=tuning(config="mine")),
        {"file": user_file(f"training_config: {{{QUANTIZED}, LoraConfig: {{use_dora: true}}}}")},
        "ConfigInvalid",
        "tuning.config",
        ["LoraConfig.use_dora is True", "serve-tuned-model"],
    ),
    "inference configuration": (
        inference_workspace(inference=inference(config="mine")),
        {"file": UserFile("team", "mine", "inference_config.yaml", "vllm: {max-model-len: x}")},
        "ConfigInvalid",
        "inference.config",
        ["max-model-len", "'x'"],
    ),
    "context longer than the model's": (
        inference_workspace(inference=inference(config="mine")),
        {"file": UserFile("t", "m", "inference_config.yaml", "vllm: {max-model-len: 9000000}")},
        "InstanceTypeTooSmall",
        "resource.instanceType",
        ["9000000", "131072"],
    ),
    "missing push secret": (
        tuning_workspace(),
        {"secrets": {"tuning.output.imagePushSecret": SecretFact("push", None)}},
        "SecretMissing",
        "tuning.output.imagePushSecret",
        ["team/push", "does not exist"],
    ),
    "push secret of another type": (
        tuning_workspace(),
        {"secrets": {"tuning.output.imagePushSecret": SecretFact("push", frozenset({"token"}))}},
        "SecretMissing",
        "tuning.output.imagePushSecret",
        [".dockerconfigjson"],
    ),
    "signing secret without a key": (
        tuning_workspace(),
        {"secrets": {"tuning.output.signingSecret": SecretFact("sign", frozenset({"cosign.pub"}))}},
        "SecretMissing",
        "tuning.output.signingSecret",
        ["Secret team/sign has no key cosign.key"],
    ),
    "tag of the adapter that was tuned before": (
        tuning_workspace(status=TUNED_FROM_OTHER_DATA),
        {},
        "WorkspaceInvalid",
        "tuning.output.image",
        [f"{tuning()['output']['image']!r} already names", "sha256:aa", "tuning.output.overwrite"],
    ),
    "digest of another length": (
        tuning_workspace(tuning=tuning(input={"urls": ["https://h/a?sig=x#sha256=abc"]})),
        {},
        "WorkspaceInvalid",
        "tuning.input.urls[0]",
        ["'https://h/a' does not end after #sha256= and 64 hexadecimal digits"],
    ),
    "dataset of the hub without its organization": (
        tuning_workspace(tuning=tuning(input={"urls": ["hf://datasets/squad"]})),
        {},
        "WorkspaceInvalid",
        "tuning.input.urls[0]",
        ["'hf://datasets/squad'", "hf://datasets/ORGANIZATION/NAME"],
    ),
    "missing tracking secret": (
        tuning_workspace(),
        {"secrets": {"tuning.trackingSecret": SecretFact("track", None)}},
        "SecretMissing",
        "tuning.trackingSecret",
        ["Secret team/track does not exist"],
    ),
    "tracking secret that enables no tracker": (
        tuning_workspace(),
        {"secrets": {"tuning.trackingSecret": SecretFact("track", frozenset({"TOKEN"}))}},
        "SecretMissing",
        "tuning.trackingSecret",
        ["Secret team/track enables no tracker: add at least one of the keys MLFLOW_TRACKING_URI"],
    ),
    "missing access secret": (
        tuning_workspace(),
        {"secrets": {"tuning.input.accessSecret": SecretFact("data", None)}},
        "SecretMissing",
        "tuning.input.accessSecret",
        ["Secret team/data does not exist"],
    ),
    "access secret without a key for the URLs": (
        tuning_workspace(),
        {"secrets": {"tuning.input.accessSecret": SecretFact("data", frozenset({"TOKEN"}))}},
        "SecretMissing",
        "tuning.input.accessSecret",
        ["Secret team/data has none of the keys that open these URLs: token, username and passw"],
    ),
    "pull secret of the data image": (
        tuning_workspace(),
        {"secrets": {"tuning.input.imagePullSecrets[0]": SecretFact("pull", frozenset({"x"}))}},
        "SecretMissing",
        "tuning.input.imagePullSecrets[0]",
        ["Secret team/pull has no key .dockerconfigjson"],
    ),
    "missing volume claim": (
        inference_workspace(),
        {"volume_claims": {"tuning.input.volumeSource": VolumeClaimFact("data", exists=False)}},
        "VolumeClaimMissing",
        "tuning.input.volumeSource",
        ["PersistentVolumeClaim team/data does not exist: create it"],
    ),
    "hub token under another key": (
        inference_workspace(),
        {
            "secrets": {
                "inference.preset.presetOptions.modelAccessSecret": SecretFact("hf", frozenset())
            }
        },
        "SecretMissing",
        "inference.preset.presetOptions.modelAccessSecret",
        ["HF_TOKEN"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("manifest", "changes", "reason", "field", "messages"), WRONG.values(), ids=WRONG
)
def test_problem_names_field_value_and_remedy(
    manifest: Manifest, changes: dict[str, Any], reason: str, field: str, messages: list[str]
) -> None:
    first = found(manifest, **changes)[0]
    assert (first.reason, first.field) == (reason, field)
    assert [word for word in messages if word not in first.message] == []


def test_access_secret_with_a_key_for_the_urls_is_accepted() -> None:
    fact = SecretFact("data", frozenset({"token"}))
    assert found(tuning_workspace(), secrets={"tuning.input.accessSecret": fact}) == []


def test_tracking_secret_that_enables_a_tracker_is_accepted() -> None:
    fact = SecretFact("track", frozenset({"WANDB_API_KEY", "WANDB_PROJECT"}))
    assert found(tuning_workspace(), secrets={"tuning.trackingSecret": fact}) == []


def test_tuning_without_serving_needs_less_memory() -> None:
    only_tuned = tuning_workspace(tuning=tuning(preset={"name": "phi-4"}), annotations=SERVE_NOT)
    assert found(only_tuned) == []


def test_size_is_not_checked_again_once_started() -> None:
    too_small = inference_workspace(inference=inference(preset={"name": "phi-4"}))
    assert found(too_small, claims=(claim(),)) == []


def test_shipped_default_configurations_are_valid() -> None:
    assert found(tuning_workspace(), file=user_file(CONFIG)) == []


@pytest.mark.parametrize("name", [preset.name for preset in catalog.load().presets])
def test_every_preset_can_be_requested(name: str) -> None:
    reasons = {problem.reason for problem in found(named(name))}
    assert reasons <= {"InstanceTypeTooSmall", "WorkspaceInvalid"}


def test_tag_of_the_adapter_that_was_tuned_before_may_be_overwritten() -> None:
    output = {**tuning()["output"], "overwrite": True}
    manifest = tuning_workspace(tuning=tuning(output=output), status=TUNED_FROM_OTHER_DATA)
    assert not found(manifest)


def test_another_tag_is_free() -> None:
    output = {**tuning()["output"], "image": "r/x:other"}
    manifest = tuning_workspace(tuning=tuning(output=output), status=TUNED_FROM_OTHER_DATA)
    assert not found(manifest)
