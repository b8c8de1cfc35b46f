"""Registration: the pool's machine has joined the cluster, and carries the claim's labels."""

from gpu_provisioner.lifecycle.machine_labels import OF_MACHINE, capacity_type
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DeleteClaim, PatchNode, Step, Tell
from gpu_provisioner.lifecycle.presence import lost
from gpu_provisioner.offerings.keys import CAPACITY_TYPE
from kaito_api import conditions, labels
from kaito_kube.kinds import Manifest, labels_of


def registration(observed: Observed) -> Step:
    node, claim = observed.node, observed.claim
    if node is None:
        return lost(observed) or _missing(observed)
    name = node["metadata"]["name"]
    patch = _patch(observed, node)
    message = f"node {name} joined"
    return Step(
        conditions.true(claim.kind.registered, "Registered", message),
        (PatchNode(name, patch),) if patch else (),
        done=True,
    )


def _missing(observed: Observed) -> Step:
    claim, terms = observed.claim, observed.terms
    since = claim.since(claim.kind.launched) or observed.now
    left = since + terms.registration_timeout - observed.now
    if left.total_seconds() > 0:
        message = f"waiting for the machine of agent pool {claim.name} to join the cluster"
        pending = conditions.unknown(claim.kind.registered, "RegistrationPending", message)
        return Step(pending, look_again=left.total_seconds())
    note = (
        f"the machine of agent pool {claim.name} did not join within "
        f"{terms.registration_timeout.total_seconds():.0f} s: the claim is given up. Look at the "
        "network and at the bootstrap log of the pool's scale set"
    )
    failed = conditions.false(claim.kind.registered, "RegistrationTimeout", note)
    return Step(failed, (Tell("Warning", "RegistrationTimeout", note), DeleteClaim()))


def _patch(observed: Observed, node: Manifest) -> Manifest:
    """What the Node still lacks of the claim's labels and of Karpenter's marks."""
    wanted = {
        **{k: v for k, v in observed.claim.labels.items() if k not in OF_MACHINE},
        CAPACITY_TYPE: capacity_type(node),
        labels.REGISTERED: "true",
    }
    has = labels_of(node)
    missing = {key: value for key, value in wanted.items() if has.get(key) != value}
    patch: Manifest = {"metadata": {"labels": missing}} if missing else {}
    taints = (node.get("spec") or {}).get("taints") or []
    kept = [taint for taint in taints if taint["key"] != labels.UNREGISTERED]
    if len(kept) != len(taints):
        patch["spec"] = {"taints": kept}
    return patch
