"""The Workspace of the documentation that serves without tuning, with its one node."""

import json

import yaml

from tools.demo import manifests
from tools.demo.kubectl import Kubectl
from tools.demo.walkthrough import UNTUNED


def apply(kubectl: Kubectl, name: str = manifests.UNTUNED) -> None:
    manifest = yaml.safe_load(UNTUNED.read_text())
    manifest["metadata"]["name"] = name
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))


def condition(kubectl: Kubectl, type_: str) -> tuple[str, str]:
    workspace = kubectl.get("workspace", manifests.UNTUNED) or {}
    found = (workspace.get("status") or {}).get("conditions") or ()
    return next(((c["status"], c["reason"]) for c in found if c["type"] == type_), ("", ""))


def nodes_ready(kubectl: Kubectl) -> str | None:
    status, reason = condition(kubectl, "ResourceReady")
    return None if status == "True" else f"ResourceReady is {status} {reason}"


def pool_of(kubectl: Kubectl) -> tuple[str, str, str]:
    """The Workspace's one claim (name and uid) and its node."""
    claims = kubectl.items("machines.karpenter.sh")
    assert len(claims) == 1
    metadata = claims[0]["metadata"]
    return metadata["name"], metadata["uid"], claims[0]["status"]["nodeName"]
