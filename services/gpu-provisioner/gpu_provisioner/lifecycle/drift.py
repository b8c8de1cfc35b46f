"""Drift: the machine is not what a new one would be. It is told, and nothing is done about it."""

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.lifecycle.observed import Observed
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason


def drift(observed: Observed) -> Condition | None:
    """None where there is none. What is not known (any more, after a restart) is taken from the
    claim's own status."""
    pool, type_ = observed.pool, observed.claim.kind.drifted
    if pool is None or not ownership.belongs_to(pool, observed.claim):
        return None
    version = observed.power.state.kubernetes_version if observed.power.state is not None else ""
    if version and pool.kubernetes_version and pool.kubernetes_version != version:
        message = f"its Kubernetes is {pool.kubernetes_version}, the cluster's {version}"
        return conditions.true(type_, Reason.KUBERNETES_VERSION_DRIFT, message)
    if observed.newest_image and pool.image and pool.image != observed.newest_image:
        message = f"its node image is {pool.image}, the newest {observed.newest_image}"
        return conditions.true(type_, Reason.NODE_IMAGE_DRIFT, message)
    known = {
        Reason.KUBERNETES_VERSION_DRIFT: version,
        Reason.NODE_IMAGE_DRIFT: observed.newest_image,
    }
    before = conditions.find(observed.claim.conditions, type_)
    if before is not None and not known.get(before["reason"]):
        return conditions.true(type_, before["reason"], before["message"])
    return None
