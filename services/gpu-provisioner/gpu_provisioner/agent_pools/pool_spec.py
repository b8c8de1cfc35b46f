"""From a claim to the agent pool that it asks for. Pure."""

import re

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.agent_pools.node_options import Unacceptable, options_of
from gpu_provisioner.aks_values import TAG_VALUE_LENGTH
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.offerings import size_names
from gpu_provisioner.offerings.preflight import Candidate
from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_api import labels

_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
# Node labels that AKS sets or keeps for itself: it refuses a pool that asks for them.
_AKS_OWN = ("kubernetes.azure.com/", "kubernetes.io/", "node.kubernetes.io/", "beta.kubernetes.io/",
            "topology.kubernetes.io/")  # fmt: skip


def spec_of(claim: Claim, chosen: Candidate, cluster: str, defaults: PoolDefaults) -> PoolSpec:
    """The pool for that claim of that machine. Raises Unacceptable."""
    if not _NAME.match(claim.name):
        raise Unacceptable(
            f"metadata.name {claim.name!r} cannot name an agent pool: it must be 1 to 12 of a-z "
            "and 0-9 and begin with a letter"
        )
    options = options_of(claim, chosen.instance_type, defaults)
    return PoolSpec(
        name=claim.name,
        instance_type=chosen.instance_type,
        os_disk_gib=options.os_disk_gib,
        os_disk_type=options.os_disk_type,
        os_sku=options.os_sku,
        labels=_labels(claim, chosen.instance_type),
        taints=tuple(str(taint) for taint in (*claim.taints, *claim.startup_taints)),
        tags={**defaults.tags, **_tags(claim, cluster)},
        zones=chosen.zones,
        spot=chosen.spot,
        spot_max_price=options.spot_max_price,
        gpu_driver=options.gpu_driver,
        gpu_instance_profile=options.gpu_instance_profile,
        subnet_id=defaults.subnet_id,
        proximity_placement_group_id=defaults.proximity_placement_group_id,
        max_pods=defaults.max_pods,
        encryption_at_host=defaults.encryption_at_host,
    )


def _labels(claim: Claim, instance_type: str) -> dict[str, str]:
    own = {k: v for k, v in claim.labels.items() if not k.startswith(_AKS_OWN)}
    return {
        **own,
        labels.MACHINE_TYPE: "gpu" if size_names.has_gpus(instance_type) else "cpu",
        labels.CLAIM_UID: claim.uid,
        labels.CREATION_TIMESTAMP: claim.created.strftime("%Y-%m-%dT%H-%M-%SZ"),
    }


def _tags(claim: Claim, cluster: str) -> dict[str, str]:
    """What cost is traced by and a leak is found by."""
    tags = {
        ownership.MANAGED_BY: ownership.US,
        ownership.CLUSTER_TAG: cluster,
        ownership.CLAIM_NAME: claim.name,
        ownership.CLAIM_UID: claim.uid,
        ownership.WORKSPACE_TAG: claim.workspace,
    }
    return {name: value[:TAG_VALUE_LENGTH] for name, value in tags.items()}
