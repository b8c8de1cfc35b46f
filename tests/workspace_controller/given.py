"""Builds settings, Workspaces, nodes, claims and pods for tests."""

from datetime import UTC, datetime
from typing import Any

from kaito_kube.kinds import MACHINE, WORKSPACE, Kind, Manifest
from workspace_controller.catalog_facts import catalog_facts
from workspace_controller.manifests.claims import claim_name
from workspace_controller.manifests.metadata import Owner
from workspace_controller.observed import Claim, Observed, UserFile
from workspace_controller.plan.spec import parse_spec
from workspace_controller.settings import NodeProvisioner, PodSettings, Settings

NAMESPACE = "team"
RELEASE = "kaito-system"
UID = "00000000-0000-0000-0000-00000000abcd"
OWNER = Owner(NAMESPACE, "ws", UID)
PRESET = "phi-3-mini-128k-instruct"
INSTANCE = "Standard_NC6s_v3"
CONFIG = "training_config:\n  QuantizationConfig: {load_in_4bit: true}\n"
DIGEST = "sha256:" + "a" * 64


def settings(**changes: Any) -> Settings:
    if "node_provisioner" in changes:
        changes["node_provisioner"] = NodeProvisioner(changes["node_provisioner"])
    return Settings(
        **{
            "release_namespace": RELEASE,
            "preset_registry": "registry.local/presets",
            "tuner": PodSettings(image="registry.local/tuner:1"),
            "model_server": PodSettings(image="registry.local/model-server:1"),
            "gateway": PodSettings(image="registry.local/gateway:1"),
            **changes,
        }
    )


def workspace(name: str = "ws", **subplans: Any) -> Manifest:
    """A manifest as the API server returns it, with kind, namespace and name."""
    annotations = subplans.pop("annotations", {})
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": NAMESPACE,
        "annotations": annotations,
        **subplans.pop("metadata", {}),
    }
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": metadata,
        **subplans,
    }


def resource(**changes: Any) -> Manifest:
    return {
        "instanceType": INSTANCE,
        "labelSelector": {"matchLabels": {"app": "phi"}},
        **changes,
    }


def tuning(**changes: Any) -> Manifest:
    return {
        "preset": {"name": PRESET},
        "method": "qlora",
        "input": {"urls": ["https://data.example/train.parquet?download=true"]},
        "output": {"image": "registry.local/adapters/phi:1", "imagePushSecret": "push"},
        **changes,
    }


def inference(**changes: Any) -> Manifest:
    return {"preset": {"name": PRESET}, **changes}


def tuning_workspace(name: str = "ws", **subplans: Any) -> Manifest:
    return workspace(name, **{"resource": resource(), "tuning": tuning(), **subplans})


def inference_workspace(name: str = "ws", **subplans: Any) -> Manifest:
    return workspace(name, **{"resource": resource(), "inference": inference(), **subplans})


def stored(manifest: Manifest, **metadata: Any) -> Manifest:
    """The manifest with the metadata that the API server adds."""
    server = {"uid": UID, "generation": 1, "resourceVersion": "1"}
    return {**manifest, "metadata": {**server, **manifest["metadata"], **metadata}}


def node(name: str, *, ready: bool = True, gpus: int = 1, **changes: Any) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "labels": {
                "app": "phi",
                "node.kubernetes.io/instance-type": INSTANCE,
                **changes.get("labels", {}),
            },
            **changes.get("metadata", {}),
        },
        "spec": changes.get("spec", {}),
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "allocatable": {"nvidia.com/gpu": str(gpus)} if gpus else {},
        },
    }


def own_node(name: str = "node-0", **changes: Any) -> Manifest:
    return node(name, **{**changes, "labels": {**OWNER.labels, **changes.get("labels", {})}})


def claim(
    index: int = 0,
    *,
    kind: Kind = MACHINE,
    deleting: bool = False,
    from_pool: bool = False,
    **conditions: str,
) -> Claim:
    """`conditions` are "status/reason/message" by type: Ready="False/QuotaExceeded/too little"."""
    metadata: dict[str, Any] = {"name": claim_name(OWNER, index), "labels": OWNER.labels}
    if from_pool:
        metadata |= {
            "name": f"team-ws-{index}",
            "ownerReferences": [{"kind": "NodePool", "name": "team-ws", "uid": "pool"}],
        }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    reported = [_condition(type_, text) for type_, text in conditions.items()]
    return Claim(kind, {"metadata": metadata, "status": {"conditions": reported}})


def _condition(type_: str, text: str) -> Manifest:
    status, reason, message = (text.split("/", 2) + ["", ""])[:3]
    return {"type": type_, "status": status, "reason": reason, "message": message}


NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def observation(manifest: Manifest, **changes: Any) -> Observed:
    """An Observed with the facts of the catalogs, unless `changes` override them."""
    spec, problem = parse_spec(manifest)
    given = changes.pop("settings", None) or settings()
    facts: dict[str, Any] = {"file": None}
    if spec is not None:
        facts |= catalog_facts(spec, given, tuple(changes.get("nodes", ())))
        if spec.tuning is not None:
            facts["file"] = UserFile(
                RELEASE, "qlora-params-template", "training_config.yaml", CONFIG
            )
    return Observed(
        workspace=manifest,
        settings=given,
        now=NOW,
        spec=spec,
        spec_problem=problem,
        **{**facts, **changes},
    )


def pod(role: str, *, owner_uid: str = "job-1", name: str = "ws-1", **status: Any) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "labels": {**OWNER.labels, "kaito.sh/role": role},
            "ownerReferences": [{"uid": owner_uid}],
        },
        "status": status,
    }


def container(name: str, *, last: Manifest | None = None, **state: Any) -> Manifest:
    found: Manifest = {"name": name, "image": f"registry.local/{name}:1", "state": state}
    return {**found, "lastState": {"terminated": last}} if last else found


def conditions_by_type(manifest: Manifest | None) -> dict[str, str]:
    """The conditions of a status: type → "status/reason"."""
    assert manifest is not None
    return {c["type"]: f"{c['status']}/{c['reason']}" for c in manifest["conditions"]}
