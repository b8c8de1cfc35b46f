"""A policy that replaces the marks of agent pools, as Azure Policy does."""

from dataclasses import dataclass, field

from gpu_provisioner.cloud.pools import PoolState
from kaito_api import labels
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.fault_injector import Fault
from tests.simulation.simulation import Simulation

ACTOR = "policy"
# More often than that, the pauses between two repairs are longer than the calm.
_MOST_TIMES = 3
_MARKS = (labels.CLAIM_UID, labels.CREATION_TIMESTAMP)


@dataclass(eq=False)
class Policy:
    """Each pool loses either its tags or its labels, so that one mark always remains."""

    sim: Simulation
    arm: Arm
    _times: dict[AgentPool, int] = field(default_factory=dict)
    _of_tags: dict[AgentPool, bool] = field(default_factory=dict)

    def strip_any(self) -> None:
        pools = [pool for pool in self.arm.pools.values() if self._may_strip(pool)]
        if not pools:
            return
        sim, pool = self.sim, self.sim.rng.choice(pools)
        self._times[pool] = self._times.get(pool, 0) + 1
        sim.injector.record(Fault.MARKS_LOST)
        if not self._of_tags.setdefault(pool, sim.rng.random() < 0.6):
            sim.tell(ACTOR, "replaces the labels of the pool", pool.name)
            kept = {key: value for key, value in pool.labels.items() if key not in _MARKS}
            self.arm.replace_marks(pool, pool.tags, kept)
            return
        others = sim.rng.choice(
            (
                {"cost-center": "7"},
                {name.upper(): value for name, value in pool.tags.items()},
                {**pool.tags, "kaito-claim-uid": "rewritten"},
            )
        )
        sim.tell(ACTOR, f"replaces the tags of the pool by {sorted(others)}", pool.name)
        self.arm.replace_marks(pool, others, pool.labels)

    def _may_strip(self, pool: AgentPool) -> bool:
        whole = not pool.foreign and pool.state is PoolState.SUCCEEDED and _is_marked(pool)
        return whole and self._times.get(pool, 0) < _MOST_TIMES


def _is_marked(pool: AgentPool) -> bool:
    """Whether this provisioner has marked it, which upstream's pools are only once adopted."""
    tags = {name.lower() for name in pool.tags}
    return labels.CLAIM_UID in pool.labels or "kaito-claim-uid" in tags
