"""Pods on the nodes of claims, some with a budget that forbids their eviction for a while."""

from dataclasses import dataclass, field

from kaito_kube.errors import Throttled
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import POD, Key, Manifest
from tests.simulation.fault_injector import Fault
from tests.simulation.simulation import Simulation
from tests.simulation.vm import Vm

ACTOR = "scheduler"
NAMESPACE = "default"
# Half of the pods have a budget that forbids their eviction until this long after the first try.
_FORBIDDEN_SECONDS = (5, 300)


@dataclass(eq=False)
class NodePods:
    """`by_node` are the names of the pods that run."""

    sim: Simulation
    cluster: FakeCluster
    by_node: dict[str, str] = field(default_factory=dict)
    _forbidden: dict[str, float] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def start(self, vm: Vm) -> None:
        """Perhaps start a pod on a node that has become Ready."""
        if not self.sim.injector.strikes(Fault.PODS) or vm.node in self.by_node:
            return
        name = f"app-{vm.node}"
        self.by_node[vm.node] = name
        if self.sim.rng.random() < 0.5:
            self._forbidden[name] = self.sim.between(*_FORBIDDEN_SECONDS)
        self.sim.tell(ACTOR, f"starts pod {name}", vm.pool)
        self.cluster.seed(POD, _pod(name, vm.node))

    def end(self, vm: Vm) -> None:
        """The pod ends with its machine."""
        if (name := self.by_node.pop(vm.node, None)) is not None:
            self.cluster.change(POD, Key(NAMESPACE, name), None)

    def evicting(self, name: str) -> None:
        """Check the pod's budget; without an error, the eviction takes effect.

        Raises:
            Throttled: the budget forbids the eviction now.
        """
        seconds = self._forbidden.get(name, 0.0)
        if self.sim.now < self._until.setdefault(name, self.sim.now + seconds):
            raise Throttled("Cannot evict pod as it would violate the pod's disruption budget.")
        self.by_node.pop(name.removeprefix("app-"), None)


def _pod(name: str, node: str) -> Manifest:
    return {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"nodeName": node, "containers": [{"name": "app", "image": "registry/app:1"}]},
        "status": {"phase": "Running"},
    }
