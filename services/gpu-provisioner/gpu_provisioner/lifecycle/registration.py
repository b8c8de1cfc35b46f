"""Registration: the pool's machine has joined the cluster, and carries the claim's labels."""

from gpu_provisioner.lifecycle.health_policy import counted_from, judge
from gpu_provisioner.lifecycle.instance_state import lost
from gpu_provisioner.lifecycle.node_labels import OF_MACHINE, capacity_type
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import GivesUp, PatchNode, Step, Tell
from kaito_api import conditions, labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, labels_of


def registration(observed: Observed) -> Step:
    node, claim = observed.node, observed.claim
    if node is None:
        return lost(observed) or _missing(observed)
    name = node["metadata"]["name"]
    patch = _patch(observed, node)
    message = f"node {name} joined"
    return Step(
        conditions.true(claim.kind.registered, Reason.REGISTERED, message),
        (PatchNode(name, patch),) if patch else (),
        done=True,
    )


def _missing(observed: Observed) -> Step:
    claim, terms = observed.claim, observed.terms
    since = claim.since(claim.kind.launched) or observed.now
    left = counted_from(observed, since) + terms.registration_timeout - observed.now
    message = f"waiting for the machine of agent pool {claim.name} to join the cluster"
    pending = Step(conditions.unknown(claim.kind.registered, Reason.REGISTRATION_PENDING, message))
    if left.total_seconds() > 0:
        return Step(pending.condition, look_again=left.total_seconds())
    note = (
        f"the machine of agent pool {claim.name} did not join within "
        f"{terms.registration_timeout.total_seconds():.0f} s: the claim is given up. Look at the "
        "network and at the bootstrap log of the pool's scale set"
    )
    verdict = Step(
        conditions.false(claim.kind.registered, Reason.REGISTRATION_TIMEOUT, note),
        (Tell("Warning", Reason.REGISTRATION_TIMEOUT, note),),
        gives_up=GivesUp.LIVENESS,
    )
    return judge(observed, verdict, pending)


def _patch(observed: Observed, node: Manifest) -> Manifest:
    """What the Node still lacks of the claim's labels and of Karpenter's marks."""
    claim = observed.claim
    own = {k: v for k, v in claim.labels.items() if k not in OF_MACHINE}
    wanted = {
        **own,
        labels.CAPACITY_TYPE: capacity_type(node),
        labels.CLAIM_UID: claim.uid,
        labels.REGISTERED: "true",
    }
    has = labels_of(node)
    missing = {key: value for key, value in wanted.items() if has.get(key) != value}
    patch: Manifest = {"metadata": {"labels": missing}} if missing else {}
    taints = (node.get("spec") or {}).get("taints") or []
    new = labels.REGISTERED not in has or has.get(labels.CLAIM_UID, claim.uid) != claim.uid
    kept = _taints(observed, taints, new)
    if kept != taints:
        patch["spec"] = {"taints": kept}
    return patch


def _taints(observed: Observed, taints: list[Manifest], new: bool) -> list[Manifest]:
    """Karpenter's mark goes, and what is left of a drain of an earlier machine of that name. The
    claim's taints are made sure of once; its startup taints came with the pool, and whoever took
    one away since has done so for good."""
    leftover = {labels.UNREGISTERED, labels.DISRUPTED}
    kept = [taint for taint in taints if taint["key"] not in leftover]
    if not new:
        return kept
    there = {(taint["key"], taint["effect"]) for taint in kept}
    added = [t.manifest() for t in observed.claim.taints if (t.key, t.effect) not in there]
    return [*kept, *added]
