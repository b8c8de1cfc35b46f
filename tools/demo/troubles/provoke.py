"""Makes one trouble on the local cluster, and waits for what is told and for the recovery."""

import json
import time

import yaml

from tools.demo import manifests
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.stage import Stage
from tools.demo.troubles.trouble import Manifest, Told, Trouble
from tools.demo.walkthrough import applied_text


def provoke(stage: Stage, trouble: Trouble) -> Told:
    """Applies the documentation's manifest with that trouble, and waits for what it is told.

    Raises Waited when another reason, or none, is shown; what was broken is mended after."""
    kubectl = stage.kubectl
    manifest = yaml.safe_load(applied_text(stage.reader))
    manifest["metadata"]["name"] = manifests.TROUBLE
    trouble.break_(kubectl, manifest)
    began = time.monotonic()
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))
    told = _wait_for_reason(kubectl, trouble, began)
    if trouble.mend is None:
        return told
    trouble.mend(kubectl)
    recovered = _wait_for_recovery(kubectl, trouble)
    return Told(told.condition, told.status, told.reason, told.message, told.seconds, recovered)


def _conditions(kubectl: Kubectl) -> list[Manifest]:
    found = kubectl.get("workspace", manifests.TROUBLE) or {}
    conditions: list[Manifest] = (found.get("status") or {}).get("conditions") or []
    return conditions


def _wait_for_reason(kubectl: Kubectl, trouble: Trouble, began: float) -> Told:
    def look() -> str | None:
        shown = {c["type"]: c for c in _conditions(kubectl)}
        found = shown.get(trouble.condition)
        if found and found["reason"] == trouble.reason and trouble.words in found["message"]:
            return None
        return json.dumps({c["type"]: f"{c['reason']}: {c['message']}" for c in shown.values()})

    wait_for(f"{trouble.condition} with {trouble.reason}", look, trouble.seconds, pause=0.3)
    found = next(c for c in _conditions(kubectl) if c["type"] == trouble.condition)
    return Told(
        found["type"],
        found["status"],
        found["reason"],
        found["message"],
        time.monotonic() - began,
    )


def _wait_for_recovery(kubectl: Kubectl, trouble: Trouble) -> float:
    """Until the condition is True: by itself, only the cause was taken away."""

    def look() -> str | None:
        found = [c for c in _conditions(kubectl) if c["type"] == trouble.condition]
        if found and found[0]["status"] == "True":
            return None
        return f"{trouble.condition} is {found[0]['reason']}" if found else "no such condition"

    return wait_for(f"recovery from {trouble.reason}", look, 420, pause=0.5)


def row(trouble: Trouble, told: Told) -> str:
    recovered = f", recovered {told.recovered:.0f} s after" if told.recovered is not None else ""
    return (
        f"{trouble.title}: after {told.seconds:.1f} s{recovered}\n"
        f"    {told.condition}={told.status} {told.reason}\n    {told.message}"
    )
