"""Decides about the NetworkPolicy of a training on several nodes."""

from kaito_kube.kinds import NETWORK_POLICY, is_being_deleted
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.tuning_nodes import tuning_policy, tuning_policy_name
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Action, Apply, Delete


def decide_tuning_policy(observed: Observed, nodes: int) -> tuple[Action, ...]:
    """Applies it before there are pods; gone once no several nodes train."""
    present, owner = observed.tuning_policy, observed.owner
    if nodes == 1 or not observed.settings.network_policies:
        if present is None or is_being_deleted(present):
            return ()
        return (Delete(NETWORK_POLICY, tuning_policy_name(owner), owner.namespace),)
    wanted = tuning_policy(owner)
    if present is None:
        return (Apply(NETWORK_POLICY, wanted, verify_owner=True),)
    same = revision_of(present) == revision_of(wanted) and present.get("spec") == wanted["spec"]
    if is_being_deleted(present) or same:
        return ()
    return (Apply(NETWORK_POLICY, wanted, verify_owner=False),)
