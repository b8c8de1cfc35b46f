"""Builds the specification of a claim's agent pool. Pure."""

import re

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.agent_pools.agent_pool_profile import InvalidClaim, profile_for
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.offerings import size_names
from gpu_provisioner.offerings.preflight import Candidate
from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_api import labels

# AKS's rule for names of Linux agent pools.
_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
# AKS sets these node labels itself, and rejects a pool that specifies one.
_AKS_PREFIXES = (
    "kubernetes.azure.com/",
    "kubernetes.io/",
    "node.kubernetes.io/",
    "beta.kubernetes.io/",
    "topology.kubernetes.io/",
)


def pool_spec_for(
    claim: Claim, candidate: Candidate, cluster: str, defaults: PoolDefaults
) -> PoolSpec:
    """Return the agent pool that gives the claim a machine of that candidate.

    Raises:
        InvalidClaim: no agent pool can have what the claim specifies.
    """
    if not _NAME.match(claim.name):
        raise InvalidClaim(
            f"metadata.name {claim.name!r} is no valid name of an agent pool: use 1 to 12 "
            "characters of a-z and 0-9, the first one a letter"
        )
    profile = profile_for(claim, candidate.instance_type, defaults)
    own = marks.marks_of(claim, cluster)
    return PoolSpec(
        name=claim.name,
        instance_type=candidate.instance_type,
        os_disk_gib=profile.os_disk_gib,
        os_disk_type=profile.os_disk_type,
        os_sku=profile.os_sku,
        labels={**_labels(claim, candidate.instance_type), **own.labels},
        taints=tuple(str(taint) for taint in (*claim.taints, *claim.startup_taints)),
        tags={**defaults.tags, **own.tags, marks.CLAIM_KIND: claim.kind.kind.kind},
        zones=candidate.zones,
        spot=candidate.spot,
        spot_max_price=profile.spot_max_price,
        gpu_driver=profile.gpu_driver,
        gpu_instance_profile=profile.gpu_instance_profile,
        subnet_id=defaults.subnet_id,
        proximity_placement_group_id=defaults.proximity_placement_group_id,
        max_pods=defaults.max_pods,
        encryption_at_host=defaults.encryption_at_host,
    )


def _labels(claim: Claim, instance_type: str) -> dict[str, str]:
    allowed = {k: v for k, v in claim.labels.items() if not k.startswith(_AKS_PREFIXES)}
    return {
        **allowed,
        labels.MACHINE_TYPE: "gpu" if size_names.has_gpus(instance_type) else "cpu",
    }
