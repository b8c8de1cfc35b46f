"""Everything that the decision about a claim depends on, observed at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, ClusterStability
from gpu_provisioner.offerings.selection import SelectionResult
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.settings import Timeouts
from kaito_kube.kinds import Manifest


@dataclass(frozen=True, slots=True)
class CloudBackoff:
    """The last error of the cloud about a claim, when it came, and when to retry. `deleting` means
    that the claim was being deleted already."""

    error: CloudError
    recorded_at: datetime
    not_before: datetime
    deleting: bool = False

    def applies(self, now: datetime) -> bool:
        """Return whether the time to retry has not come. A clock that went back behind the error
        says nothing, and then the cloud is simply called again."""
        return self.recorded_at <= now < self.not_before


@dataclass(frozen=True, slots=True)
class MarkRepair:
    """How often the marks of the claim's pool were put back, when last, and when to do so again.
    `refusal` is why the cloud refused the last attempt, empty where it did not."""

    attempts: int
    recorded_at: datetime
    not_before: datetime
    refusal: str = ""

    def applies(self, now: datetime) -> bool:
        """Return whether the time has not come; see `CloudBackoff.applies`."""
        return self.recorded_at <= now < self.not_before

    def attempts_at(self, now: datetime) -> int:
        """Return the attempts that still count: after a day with all marks, none does."""
        return self.attempts if now - self.not_before < timedelta(days=1) else 0


@dataclass(frozen=True, slots=True)
class NodeHealthSummary:
    """The nodes of all claims: how many have joined, and how many of those are unhealthy."""

    nodes: int
    unhealthy: int

    @property
    def allows_repair(self) -> bool:
        """Karpenter's rule: if more than 20 % of the nodes, rounded up, are unhealthy, the cause
        is not in the nodes."""
        return self.unhealthy <= ceil(self.nodes / 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed.

    `pool` is the agent pool of the claim's name, as of the newest response. `listed_at` is when
    the newest complete listing was requested; until there is one, `pool` being None means
    nothing. `pool_owner` names the living claim of the other kind that the pool belongs to.
    `nodes` are the claim's Nodes, the one in use first. `left_over` names Ready Nodes of an earlier
    pool of the claim's name, where there is none now. `pods` are on them, read only while they
    are drained, and `eviction_errors` are the last errors of the pods that could not be
    evicted, by namespace/name. `gpus` is what the instance type must advertise, 0 where that is
    unknown. `node_health` is None while the claim's node is Ready. `newest_image` is empty where
    it is unknown. `selection` is None while no pool has to be created. `verifies_cluster` is
    whether the AKS cluster is compared with this one. `defaults` apply to what
    the claim does not specify.
    """

    claim: Claim
    pool: Pool | None
    listed_at: datetime | None
    pool_owner: str = ""
    nodes: tuple[Manifest, ...] = ()
    left_over: tuple[str, ...] = ()
    pods: tuple[Manifest, ...] = ()
    eviction_errors: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    node_health: NodeHealthSummary | None = None
    newest_image: str = ""
    stability: ClusterStability = UNKNOWN
    backoff: CloudBackoff | None = None
    mark_repair: MarkRepair | None = None
    cluster: str
    verifies_cluster: bool = True
    timeouts: Timeouts
    now: datetime
    selection: SelectionResult | None = None
    defaults: PoolDefaults = field(default_factory=PoolDefaults)

    @property
    def node(self) -> Manifest | None:
        return self.nodes[0] if self.nodes else None

    @property
    def ownership(self) -> Ownership | None:
        """What the pool is to the claim, None without a pool."""
        return None if self.pool is None else ownership.judge(self.pool, self.claim, self.nodes)

    @property
    def is_name_taken(self) -> bool:
        """Whether the pool of the claim's name is surely somebody else's."""
        return self.ownership in (Ownership.OTHERS, Ownership.FOREIGN)
