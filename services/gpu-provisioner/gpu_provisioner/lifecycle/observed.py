"""Everything that a claim's next step follows from, taken at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, Power
from gpu_provisioner.offerings.selection import Choice
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.settings import Terms
from kaito_kube.kinds import Manifest


@dataclass(frozen=True, slots=True)
class Setback:
    """The last refusal of the cloud in this process, of a deletion or of anything before it, and
    when to try again."""

    error: CloudError
    not_before: datetime
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes of all claims: how many have joined, and how many of them do not work now."""

    nodes: int
    unhealthy: int

    @property
    def may_repair(self) -> bool:
        """Karpenter's rule: with more than 20 %, rounded up, the fault is not the nodes'."""
        return self.unhealthy <= ceil(self.nodes / 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """`pool` is as the newest answer tells of it; `listed` is when the newest whole listing was
    asked for: before there was one, None for a pool means nothing. `rival` is the living claim
    that a pool of this name belongs to, where it is another's. `nodes` are the pool's Node
    objects, the claim's own first. `pods` are that node's, read only while it is drained, and
    `refusals` are the last words on those that could not be evicted. `gpus` is what the instance
    type must advertise, 0 when that is not known. `fleet` is counted only when the node does not
    work. `newest_image` is empty where it is not known. `choice` is of the machine to ask for,
    None while none is to be asked for. `defaults` are the installation's, for what the claim does
    not say of its machine."""

    claim: Claim
    pool: Pool | None
    listed: datetime | None
    rival: str = ""
    nodes: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    fleet: Fleet | None = None
    newest_image: str = ""
    power: Power = UNKNOWN
    setback: Setback | None = None
    cluster: str
    terms: Terms
    now: datetime
    choice: Choice | None = None
    defaults: PoolDefaults = field(default_factory=PoolDefaults)

    @property
    def node(self) -> Manifest | None:
        return self.nodes[0] if self.nodes else None
