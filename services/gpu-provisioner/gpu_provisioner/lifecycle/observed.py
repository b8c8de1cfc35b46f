"""Everything that a claim's next step follows from, taken at one moment."""

from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner.claim import Claim
from gpu_provisioner.cloud import CloudError, Pool
from gpu_provisioner.offerings.choice import Choice
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.settings import Terms
from kaito_kube.kinds import Manifest


@dataclass(frozen=True, slots=True)
class Setback:
    """The last refusal of the cloud in this process, and when to try again."""

    error: CloudError
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """`pool` is as the newest answer tells of it; with `pools_known` False no whole listing was
    seen yet, and None means nothing. `pods` are the node's, read only while it is drained.
    `gpus` is what the instance type must advertise, 0 when that is not known. `choice` is of the
    machine to ask for, None while none is to be asked for. `defaults` are the installation's, for
    what the claim does not say of its machine."""

    claim: Claim
    pool: Pool | None
    pools_known: bool
    node: Manifest | None
    pods: tuple[Manifest, ...]
    gpus: int
    setback: Setback | None
    cluster: str
    terms: Terms
    now: datetime
    choice: Choice | None = None
    defaults: PoolDefaults = field(default_factory=PoolDefaults)
