"""Invalid manifests, and the errors that `kubectl apply` reports for them."""

import copy
import json
from typing import Any

import pytest
import yaml

from tools.demo.kubectl import CommandFailed, Kubectl
from tools.demo.walkthrough import EXAMPLE, UNTUNED

Manifest = dict[str, Any]

TUNING: Manifest = yaml.safe_load(EXAMPLE.read_text())
INFERENCE: Manifest = yaml.safe_load(UNTUNED.read_text())


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """A copy with one field set, or removed if the value is None."""
    result = copy.deepcopy(manifest)
    *parents, last = path.split(".")
    parent = result
    for name in parents:
        parent = parent.setdefault(name, {})
    if value is None:
        parent.pop(last, None)
    else:
        parent[last] = value
    return result


ADAPTER = {"source": {"name": "a", "image": "registry/a:1"}}

SCHEMA = [
    (TUNING, "tuning.method", "full", 'supported values: "lora", "qlora"'),
    (TUNING, "tuning.input.urls", ["ftp://host/file"], "must be an https://, http://, s3://"),
    (TUNING, "tuning.input.image", "registry/data:1", "exactly one of urls, image and volume"),
    (TUNING, "tuning.input", {}, "exactly one of urls, image and volumeSource"),
    (TUNING, "tuning.output.imagePushSecret", None, "an image needs imagePushSecret"),
    (TUNING, "tuning.output.image", "registry/name", "must name registry, repository and tag"),
    (TUNING, "tuning.preset", None, "tuning.preset: Required value"),
    (TUNING, "tuning", None, "exactly one of inference (serve a model) and tuning"),
    (TUNING, "inference", {"preset": {"name": "phi-4"}}, "exactly one of inference"),
    (TUNING, "resource.labelSelector", None, "resource.labelSelector: Required value"),
    (TUNING, "resource.labelSelector", {}, "at least one label of your own"),
    (TUNING, "resource.labelSelector.matchLabels", {"kaito.sh/workspace": "x"}, "of your own"),
    (TUNING, "metadata.name", "x" * 53, "at most 52 characters"),
    (TUNING, "metadata.name", "1-name", "start with a letter"),
    (INFERENCE, "inference.preset.accessMode", "private", "needs presetOptions.image"),
    (INFERENCE, "inference.template", {"spec": {}}, "exactly one of preset"),
    (INFERENCE, "inference.adapters", [ADAPTER, ADAPTER], "the same source.name"),
    (INFERENCE, "inference.adapters", [{**ADAPTER, "strength": "2"}], "a number from 0 to 1"),
    (INFERENCE, "inference.adapters", [ADAPTER] * 11, "at most 10 items"),
    (INFERENCE, "resource.partition", {"mode": "mig"}, "mode mig takes a profile"),
]  # fmt: skip

LOOK_UPS = [
    (TUNING, "tuning.preset.name", "phi-3-mini-128k-instruckt", "phi-3-mini-128k-instruct"),
    (TUNING, "tuning.preset.name", "llama-2-70b-chat", "cannot be"),
    (TUNING, "resource.instanceType", "Standard_NC6s_v33", "Standard_NC6s_v3"),
    (TUNING, "resource.instanceType", None, "instanceType"),
    (INFERENCE, "inference.preset.name", "llama-3.3-70b-instruct", "GiB"),
]  # fmt: skip


def _names(cases: list[tuple[Manifest, str, Any, str]]) -> list[str]:
    return [f"{path} {json.dumps(value)[:24]}" for _, path, value, _ in cases]


def _apply_error(kubectl: Kubectl, manifest: Manifest) -> str:
    with pytest.raises(CommandFailed) as refused:
        kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))
    return str(refused.value)


@pytest.mark.parametrize(("manifest", "path", "value", "text"), SCHEMA, ids=_names(SCHEMA))
def test_api_server_rejects_invalid_manifest(
    kubectl: Kubectl, manifest: Manifest, path: str, value: Any, text: str
) -> None:
    assert text in _apply_error(kubectl, changed(manifest, path, value))


@pytest.mark.parametrize(("manifest", "path", "value", "text"), LOOK_UPS, ids=_names(LOOK_UPS))
def test_webhook_rejects_invalid_manifest(
    kubectl: Kubectl, manifest: Manifest, path: str, value: Any, text: str
) -> None:
    error = _apply_error(kubectl, changed(manifest, path, value))
    assert "validation failed" in error
    assert text in error


def test_reference_that_may_come_later_is_a_warning(kubectl: Kubectl) -> None:
    manifest = json.dumps(changed(TUNING, "tuning.config", "no-such-map"))
    dry_run = ("apply", "--dry-run=server", "-f", "-")
    assert "created (server dry run)" in kubectl.run(*dry_run, stdin=manifest)
    with pytest.raises(CommandFailed, match="ConfigMap default/no-such-map does not exist"):
        kubectl.run(*dry_run, "--warnings-as-errors", stdin=manifest)


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
def test_both_versions_accept_the_documented_manifest(kubectl: Kubectl, version: str) -> None:
    manifest = {**TUNING, "apiVersion": f"kaito.sh/{version}"}
    answer = kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))
    assert "created (server dry run)" in answer


IMMUTABLE = [
    (TUNING, "tuning.method", "lora"),
    (TUNING, "tuning.preset.name", "phi-3-mini-4k-instruct"),
    (TUNING, "resource.instanceType", "Standard_NC12s_v3"),
    (TUNING, "resource.labelSelector.matchLabels", {"app": "other"}),
    (INFERENCE, "inference.preset.name", "phi-3-mini-4k-instruct"),
]


@pytest.mark.parametrize(
    ("manifest", "path", "value"), IMMUTABLE, ids=[path for _, path, _ in IMMUTABLE]
)
def test_immutable_field_cannot_be_changed(
    kubectl: Kubectl, manifest: Manifest, path: str, value: Any
) -> None:
    # A preset that no other test serves, so that no node is requested meanwhile.
    manifest = changed(manifest, "metadata.name", "immutable")
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))
    try:
        error = _apply_error(kubectl, changed(manifest, path, value))
    finally:
        kubectl.delete("workspace", "immutable")
    assert "immutable" in error or "cannot be changed" in error
