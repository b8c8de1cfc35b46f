"""Other people's agent pools, with names and tags similar to ours, which must not be touched."""

from gpu_provisioner.cloud.pools import PoolState
from kaito_api import labels
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.machines import node_of
from tests.simulation.region import V100
from tests.simulation.simulation import Simulation
from tests.simulation.vm import Vm

_ACTOR = "somebody"
_TAGS: tuple[dict[str, str], ...] = (
    {},
    {"kaito-managed-by": "someone-else", "kaito-claim-uid": "0"},
    {"kaito-managed-by": "gpu-provisioner"},
    {"kaito-claim-uid": "theirs"},
)


def create(sim: Simulation, arm: Arm, cluster: FakeCluster, names: list[str]) -> None:
    """Create pools with these names, each with a Ready Node."""
    for name in names:
        _create(sim, arm, cluster, name)


def take(sim: Simulation, arm: Arm, cluster: FakeCluster, name: str) -> None:
    """Create a pool of that name, which its owner removes later."""
    sim.tell(_ACTOR, "creates a pool of this name", name)
    sim.later(sim.between(60, 1800), arm.remove, _create(sim, arm, cluster, name))


def _create(sim: Simulation, arm: Arm, cluster: FakeCluster, name: str) -> AgentPool:
    node = f"aks-{name}-9{arm.number():07}-vmss000000"
    vm = Vm(name, "", node, V100.name, 1, {labels.WORKSPACE: "theirs"}, ())
    vm.ready_since, vm.ready_at, vm.has_gpus = sim.now, sim.now, True
    tags = dict(sim.rng.choice(_TAGS))
    pool = AgentPool(name, V100, tags, {}, (), sim.now, foreign=True, vm=vm)
    pool.state = PoolState.SUCCEEDED
    arm.add(pool)
    cluster.seed(NODE, node_of(vm))
    return pool
