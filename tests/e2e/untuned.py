"""The Workspace of the documentation that serves without tuning, with its one node."""

import json

import yaml

from tests.e2e.reported import condition_of, until_reported
from tools.demo import manifests
from tools.demo.kubectl import Kubectl
from tools.demo.walkthrough import UNTUNED


def apply(kubectl: Kubectl, name: str = manifests.UNTUNED) -> None:
    manifest = yaml.safe_load(UNTUNED.read_text())
    manifest["metadata"]["name"] = name
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))


def condition(kubectl: Kubectl, type_: str) -> tuple[str, str]:
    found = condition_of(kubectl, manifests.UNTUNED, type_)
    return found.get("status", ""), found.get("reason", "")


def until_told(kubectl: Kubectl, type_: str, *words: str, seconds: float = 90) -> str:
    """Wait until the condition contains all words; returns and prints it."""
    return until_reported(kubectl, manifests.UNTUNED, type_, *words, seconds=seconds)


def nodes_ready(kubectl: Kubectl) -> str | None:
    status, reason = condition(kubectl, "ResourceReady")
    return None if status == "True" else f"ResourceReady is {status} {reason}"


def pool_of(kubectl: Kubectl) -> tuple[str, str, str]:
    """The Workspace's one claim (name and uid) and its node."""
    claims = kubectl.items("machines.karpenter.sh")
    assert len(claims) == 1
    metadata = claims[0]["metadata"]
    return metadata["name"], metadata["uid"], claims[0]["status"]["nodeName"]
