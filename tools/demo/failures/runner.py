"""Runs a failure scenario on the local cluster and waits for the condition and the recovery."""

import json
import time
from dataclasses import replace

import yaml

from tools.demo import manifests
from tools.demo.cluster import PUSH_REGISTRY, KaitoCluster
from tools.demo.failures.scenario import FailureScenario, Manifest, ObservedFailure
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.plugin import Plugin
from tools.demo.walkthrough import applied_text

# Up to five minutes until the kubelet restarts what has failed, then a node and the whole run.
_RECOVERY_SECONDS = 600


def run_scenario(cluster: KaitoCluster, scenario: FailureScenario) -> ObservedFailure:
    """Apply the documentation's manifest with an injected failure, and wait for its condition.

    The cause is fixed afterwards, if the scenario has a fix.

    Raises:
        TimedOut: the expected reason did not appear, or the Workspace did not recover.
    """
    kubectl = cluster.kubectl
    manifest = yaml.safe_load(applied_text(cluster.inputs))
    manifest["metadata"]["name"] = manifests.FAILING
    # A tag that another Workspace has pushed is not overwritten.
    manifest["tuning"]["output"]["image"] = f"{PUSH_REGISTRY}/adapters/{manifests.FAILING}:0.0.1"
    scenario.inject(kubectl, manifest)
    started_at = time.monotonic()
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))
    observed = _wait_for_reason(kubectl, scenario, started_at)
    if scenario.fix is None:
        return observed
    scenario.fix(kubectl)
    recovered = _wait_for_recovery(kubectl, scenario)
    return replace(observed, recovered_seconds=recovered)


def _conditions(kubectl: Kubectl) -> list[Manifest]:
    found = kubectl.get("workspace", manifests.FAILING) or {}
    conditions: list[Manifest] = (found.get("status") or {}).get("conditions") or []
    return conditions


def _wait_for_reason(
    kubectl: Kubectl, scenario: FailureScenario, started_at: float
) -> ObservedFailure:
    # It may have changed by the time of another look.
    found: Manifest = {}

    def look() -> str | None:
        nonlocal found
        shown = {c["type"]: c for c in _conditions(kubectl)}
        found = shown.get(scenario.condition) or {}
        if found.get("reason") == scenario.reason and scenario.message_contains in found["message"]:
            return None
        return json.dumps({c["type"]: f"{c['reason']}: {c['message']}" for c in shown.values()})

    wait_for(
        f"{scenario.condition} with {scenario.reason}", look, scenario.timeout_seconds, pause=0.3
    )
    return ObservedFailure(
        found["type"],
        found["status"],
        found["reason"],
        found["message"],
        time.monotonic() - started_at,
        len(
            kubectl.items("machines.karpenter.sh", "-l", f"kaito.sh/workspace={manifests.FAILING}")
        ),
        Plugin(kubectl).why(manifests.FAILING),
    )


def _wait_for_recovery(kubectl: Kubectl, scenario: FailureScenario) -> float:
    """Wait until the condition is True; nothing but the cause was changed."""

    def look() -> str | None:
        found = [c for c in _conditions(kubectl) if c["type"] == scenario.condition]
        if found and found[0]["status"] == "True":
            return None
        return f"{scenario.condition} is {found[0]['reason']}" if found else "no such condition"

    return wait_for(f"recovery from {scenario.reason}", look, _RECOVERY_SECONDS, pause=0.5)


def row(scenario: FailureScenario, observed: ObservedFailure) -> str:
    recovered = (
        f", recovered after {observed.recovered_seconds:.0f} s"
        if observed.recovered_seconds is not None
        else ""
    )
    return (
        f"{scenario.title}: after {observed.seconds:.1f} s, {observed.nodes} nodes requested"
        f"{recovered}\n"
        f"    {observed.condition}={observed.status} {observed.reason}\n    {observed.message}\n"
        f"    kubectl kaito why: {observed.why['reason']}: {observed.why['cause']}\n"
        f"    run next: {'; '.join(observed.why['commands'])}"
    )
