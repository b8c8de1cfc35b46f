"""The Workspace of the documentation that serves without tuning, with its one node."""

import json

import yaml

from tools.demo import manifests
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.walkthrough import UNTUNED


def apply(kubectl: Kubectl, name: str = manifests.UNTUNED) -> None:
    manifest = yaml.safe_load(UNTUNED.read_text())
    manifest["metadata"]["name"] = name
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))


def condition(kubectl: Kubectl, type_: str) -> tuple[str, str]:
    found = _condition(kubectl, type_)
    return found.get("status", ""), found.get("reason", "")


def reported(kubectl: Kubectl, type_: str) -> str:
    """A condition as `kubectl describe` shows it: status, reason and message."""
    found = _condition(kubectl, type_)
    return f"{found['status']} {found['reason']}: {found['message']}" if found else ""


def until_told(kubectl: Kubectl, type_: str, *words: str, seconds: float = 90) -> str:
    """Wait until the condition contains all words; returns and prints it."""

    def lacking() -> str | None:
        text = reported(kubectl, type_)
        return None if all(word in text for word in words) else f"{type_}={text}"

    wait_for(f"{type_} with {words}", lacking, seconds)
    print(f"{type_}={reported(kubectl, type_)}")
    return reported(kubectl, type_)


def _condition(kubectl: Kubectl, type_: str) -> dict[str, str]:
    workspace = kubectl.get("workspace", manifests.UNTUNED) or {}
    found = (workspace.get("status") or {}).get("conditions") or ()
    return next((dict(c) for c in found if c["type"] == type_), {})


def nodes_ready(kubectl: Kubectl) -> str | None:
    status, reason = condition(kubectl, "ResourceReady")
    return None if status == "True" else f"ResourceReady is {status} {reason}"


def pool_of(kubectl: Kubectl) -> tuple[str, str, str]:
    """The Workspace's one claim (name and uid) and its node."""
    claims = kubectl.items("machines.karpenter.sh")
    assert len(claims) == 1
    metadata = claims[0]["metadata"]
    return metadata["name"], metadata["uid"], claims[0]["status"]["nodeName"]
