"""Drift: the machine differs from what a new one would be. It is reported and not acted on."""

from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.lifecycle.observed import Observed
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason


def drift(observed: Observed) -> Condition | None:
    """Return the Drifted condition, or None without drift. The claim's current condition stays
    while what it depends on is unknown, as it is after a restart."""
    pool, type_ = observed.pool, observed.claim.kind.drifted
    if pool is None or observed.ownership is not Ownership.OWN:
        return None
    state = observed.stability.state
    version = state.kubernetes_version if state is not None else ""
    if version and pool.kubernetes_version and pool.kubernetes_version != version:
        message = f"the node runs Kubernetes {pool.kubernetes_version}, the cluster {version}"
        return conditions.true(type_, Reason.KUBERNETES_VERSION_DRIFT, message)
    if observed.newest_image and pool.image and pool.image != observed.newest_image:
        message = f"the node image is {pool.image}, the newest is {observed.newest_image}"
        return conditions.true(type_, Reason.NODE_IMAGE_DRIFT, message)
    known = {
        Reason.KUBERNETES_VERSION_DRIFT: version,
        Reason.NODE_IMAGE_DRIFT: observed.newest_image,
    }
    current = conditions.find(observed.claim.conditions, type_)
    if current is not None and not known.get(current["reason"]):
        return conditions.true(type_, current["reason"], current["message"])
    return None
