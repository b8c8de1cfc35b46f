"""NodeClaims whose machines KAITO's own gpu-provisioner made, as an upgrade finds them."""

from dataclasses import dataclass

from gpu_provisioner.cloud.pools import PoolState
from kaito_api import labels
from kaito_api.conditions import rfc3339
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE, NODE_CLAIM, Key, Manifest
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.claim_creator import ClaimCreator
from tests.simulation.machines import Machines, node_of, status_of
from tests.simulation.region import V100
from tests.simulation.simulation import Simulation

_ACTOR = "upstream"
_CONDITIONS = ("Launched", "Registered", "Initialized", "Ready")
# A pool of a claim that has had the same name, which was deleted while nobody looked.
_EARLIER = "2025-06-01T00-00-00Z"


@dataclass(eq=False)
class UpstreamClaims:
    """Creates them before the replicas start. Their pools have no tags, and say in a node label
    when their claim was created; some are of an earlier claim of the same name."""

    sim: Simulation
    arm: Arm
    cluster: FakeCluster
    machines: Machines
    creator: ClaimCreator

    def create(self, count: int) -> None:
        for name in self.creator.make(count):
            is_earlier = self.sim.rng.random() < 0.2
            self.sim.tell(_ACTOR, f"left a pool{' of an earlier claim' * is_earlier}", name)
            claim = self.cluster.peek(NODE_CLAIM, name)
            assert claim is not None
            pool = self._pool(claim, is_earlier)
            node = self._join(pool, claim)
            if not is_earlier:
                self.cluster.change(NODE_CLAIM, Key("", name), self._status(node))

    def _pool(self, claim: Manifest, is_earlier: bool) -> AgentPool:
        metadata = claim["metadata"]
        born = metadata["creationTimestamp"].replace(":", "-")
        pool = AgentPool(
            metadata["name"],
            V100,
            {},
            {**metadata["labels"], labels.CREATION_TIMESTAMP: _EARLIER if is_earlier else born},
            ("sku=gpu:NoSchedule",),
            self.sim.now,
            foreign=is_earlier,
            uid="" if is_earlier else metadata["uid"],
        )
        pool.state, pool.succeeded = PoolState.SUCCEEDED, self.sim.now
        self.arm.add(pool)
        return pool

    def _join(self, pool: AgentPool, claim: Manifest) -> str:
        """A Ready Node, which has Karpenter's finalizer, and its claim as the owner."""
        vm = pool.vm = self.machines.add(pool)
        owner = {
            "kind": NODE_CLAIM.kind,
            "name": pool.name,
            "uid": "earlier" if pool.foreign else claim["metadata"]["uid"],
        }
        node = node_of(vm)
        node["metadata"] |= {
            "finalizers": [labels.TERMINATION_FINALIZER],
            "ownerReferences": [owner],
        }
        self.cluster.seed(NODE, {**node, "status": status_of(vm, self._now())})
        return vm.node

    def _status(self, node: str) -> Manifest:
        conditions = [
            {
                "type": type_,
                "status": "True",
                "reason": type_,
                "message": "",
                "lastTransitionTime": self._now(),
            }
            for type_ in _CONDITIONS
        ]
        return {
            "metadata": {"finalizers": [labels.TERMINATION_FINALIZER]},
            "status": {"nodeName": node, "conditions": conditions},
        }

    def _now(self) -> str:
        return rfc3339(self.sim.clock.now())
