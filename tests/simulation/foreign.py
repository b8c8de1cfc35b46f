"""Agent pools of other people, with names and tags much like ours: nobody may touch them."""

from gpu_provisioner.cloud.pools import PoolState
from kaito_api import labels
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.machines import node_of
from tests.simulation.sold import V100
from tests.simulation.stage import Stage
from tests.simulation.vm import Vm

_TAGS: tuple[dict[str, str], ...] = (
    {},
    {"kaito-managed-by": "someone-else", "kaito-claim-uid": "0"},
    {"kaito-managed-by": "gpu-provisioner"},
    {"kaito-claim-uid": "theirs"},
)


def settle(stage: Stage, arm: Arm, cluster: FakeCluster, names: list[str]) -> None:
    """Pools of those names, each with a Ready Node."""
    for name in names:
        node = f"aks-{name}-90000000-vmss000000"
        vm = Vm(name, "", node, V100.name, 1, {labels.WORKSPACE: "theirs"}, ())
        vm.ready_since, vm.ready_at, vm.has_gpus = 0.0, 0.0, True
        tags = dict(stage.rng.choice(_TAGS))
        pool = AgentPool(name, V100, tags, {}, (), 0.0, foreign=True, vm=vm)
        pool.state = PoolState.SUCCEEDED
        arm.add(pool)
        cluster.seed(NODE, node_of(vm))
