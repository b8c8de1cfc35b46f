"""Registration: the pool's machine has joined the cluster and has the claim's labels."""

from gpu_provisioner.lifecycle.health_policy import timeout_start, when_settled
from gpu_provisioner.lifecycle.instance_state import instance_gone
from gpu_provisioner.lifecycle.node_labels import MACHINE_LABELS, capacity_type
from gpu_provisioner.lifecycle.node_patches import without_finalizer
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DisruptionReason, EmitEvent, PatchNode, StageResult
from kaito_api import conditions, labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, labels_of


def registration(observed: Observed) -> StageResult:
    node, claim = observed.node, observed.claim
    if node is None:
        return instance_gone(observed) or _not_registered(observed)
    name = node["metadata"]["name"]
    patch = _patch(observed, node)
    message = f"node {name} joined"
    return StageResult(
        conditions.true(claim.kind.registered, Reason.REGISTERED, message),
        (PatchNode(name, patch),) if patch else (),
        done=True,
    )


def _not_registered(observed: Observed) -> StageResult:
    claim, timeouts = observed.claim, observed.timeouts
    since = claim.condition_since(claim.kind.launched) or observed.now
    deadline = timeout_start(observed, since) + timeouts.registration_timeout
    remaining = (deadline - observed.now).total_seconds()
    message = f"waiting for the machine of agent pool {claim.name} to join the cluster"
    pending = StageResult(
        conditions.unknown(claim.kind.registered, Reason.REGISTRATION_PENDING, message)
    )
    if remaining > 0:
        return StageResult(pending.condition, requeue_after_seconds=remaining)
    note = (
        f"the machine of agent pool {claim.name} did not join within "
        f"{timeouts.registration_timeout.total_seconds():.0f} s: the claim is deleted. Check the "
        "network and the bootstrap log of the pool's scale set"
    )
    late = StageResult(
        conditions.false(claim.kind.registered, Reason.REGISTRATION_TIMEOUT, note),
        (EmitEvent("Warning", Reason.REGISTRATION_TIMEOUT, note),),
        disruption=DisruptionReason.LIVENESS,
    )
    return when_settled(observed, late, pending)


def _patch(observed: Observed, node: Manifest) -> Manifest:
    """Return what the Node lacks of the claim's labels and taints and of Karpenter's labels."""
    claim = observed.claim
    copied = {k: v for k, v in claim.labels.items() if k not in MACHINE_LABELS}
    wanted = {
        **copied,
        labels.CAPACITY_TYPE: capacity_type(node),
        labels.CLAIM_UID: claim.uid,
        labels.REGISTERED: "true",
    }
    present = labels_of(node)
    missing = {key: value for key, value in wanted.items() if present.get(key) != value}
    metadata: Manifest = {"labels": missing} if missing else {}
    patch: Manifest = {"metadata": metadata | without_finalizer(node)}
    patch = {key: value for key, value in patch.items() if value}
    taints = (node.get("spec") or {}).get("taints") or []
    is_other_claims = present.get(labels.CLAIM_UID, claim.uid) != claim.uid
    is_new = labels.REGISTERED not in present or is_other_claims
    wanted_taints = _taints(observed, taints, is_new)
    if wanted_taints != taints:
        patch["spec"] = {"taints": wanted_taints}
    return patch


def _taints(observed: Observed, taints: list[Manifest], is_new: bool) -> list[Manifest]:
    """Return the taints that the Node should have.

    Karpenter's unregistered taint is removed, and the taint that the drain of an earlier machine
    of that name left. The claim's taints are added once. Its startup taints come with the pool:
    if one is missing, it was removed on purpose.
    """
    stale = {labels.UNREGISTERED, labels.DISRUPTED}
    kept = [taint for taint in taints if taint["key"] not in stale]
    if not is_new:
        return kept
    present = {(taint["key"], taint["effect"]) for taint in kept}
    added = [t.manifest() for t in observed.claim.taints if (t.key, t.effect) not in present]
    return [*kept, *added]
