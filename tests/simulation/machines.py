"""Machines of agent pools: they boot, join as Nodes, become not Ready, and are removed."""

from collections.abc import Callable
from dataclasses import replace

from kaito_api import labels
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE, Key, Manifest
from tests.simulation import region
from tests.simulation.arm import AgentPool
from tests.simulation.fault_injector import Fault
from tests.simulation.simulation import Simulation
from tests.simulation.vm import NotReadyCause, Vm

# Where the cluster's machines are: subscription/resource group.
NODE_GROUP = "00000000-0000-0000-0000-000000000000/mc_simulated"

KUBELET, CONTROLLER = "kubelet", "node ctrl"


class Machines:
    """`steady` tells whether the cluster is up; nothing joins otherwise."""

    def __init__(self, sim: Simulation, cluster: FakeCluster) -> None:
        self.steady: Callable[[], bool] = lambda: True
        self.on_ready: Callable[[Vm], None] = lambda _: None
        self.on_gone: Callable[[Vm], None] = lambda _: None
        self._sim = sim
        self._cluster = cluster
        self._made = 0
        # Every machine that ever was, by its Node.
        self.by_node: dict[str, Vm] = {}

    def begin(self, pool: AgentPool, after: float, zone: str) -> Vm:
        """Create a machine whose Node is Ready `after` seconds, unless a fault strikes."""
        vm = self._new(pool, zone)
        injector, sim = self._sim.injector, self._sim
        if injector.strikes(Fault.NEVER_JOINS):
            sim.tell(KUBELET, "the machine will never join", pool.name)
            return vm
        late = sim.between(60, 1500) if injector.strikes(Fault.JOINS_LATE) else 0.0
        vm.ready_at = sim.now + after + late
        boots = min(after, sim.between(1, 15))
        sim.later(after + late - boots, self._join, vm)
        sim.later(after + late, self._ready, vm)
        return vm

    def add(self, pool: AgentPool) -> Vm:
        """A machine that has long been Ready. The caller creates its Node."""
        vm = self._new(pool, "")
        vm.ready_at = vm.ready_since = self._sim.now
        vm.has_gpus = True
        return vm

    def _new(self, pool: AgentPool, zone: str) -> Vm:
        self._made += 1
        vm = Vm(
            pool=pool.name,
            claim=pool.uid,
            node=f"aks-{pool.name}-{self._made:08}-vmss000000",
            instance_type=pool.type.name,
            gpus=pool.type.gpus,
            labels=pool.labels,
            taints=pool.taints,
            zone=zone,
            spot=pool.spot,
        )
        self.by_node[vm.node] = vm
        return vm

    def remove(self, vm: Vm) -> None:
        """Remove the machine; the cloud's controller removes its Node later. One that is still
        booting may join in that moment."""
        if vm.gone:
            return
        booting = vm.ready_at is not None and not vm.joined
        vm.gone, vm.ready_since = True, None
        self.on_gone(vm)
        self._sim.later(self._sim.between(5, 60), self._clear, vm)
        if booting and self._sim.injector.strikes(Fault.JOINS_TOO_LATE):
            self._sim.later(self._sim.between(0.1, 30), self._join_too_late, vm)

    def become_not_ready(self, vm: Vm, cause: NotReadyCause) -> None:
        if (
            vm.gone
            or not vm.joined
            or (vm.not_ready_cause is not None and cause is not NotReadyCause.POWER)
        ):
            return
        vm.ready_since, vm.not_ready_cause, vm.not_ready_since = None, cause, self._sim.now
        self._sim.tell(KUBELET, f"{vm.node} is not Ready: {cause.value}", vm.pool)
        self._report(vm)

    def recover(self, vm: Vm, cause: NotReadyCause) -> None:
        """End this cause; a machine that is not Ready for another cause does not recover."""
        if vm.gone or vm.not_ready_cause is not cause:
            return
        vm.not_ready_cause, vm.not_ready_since, vm.ready_since = None, None, self._sim.now
        self._sim.tell(KUBELET, f"{vm.node} is Ready again", vm.pool)
        self._report(vm)

    def delete_node(self, vm: Vm) -> None:
        """Delete the Node by hand; the kubelet creates it again only when it restarts."""
        if self._cluster.peek(NODE, vm.node) is not None:
            vm.node_removed, vm.node_removed_since = True, self._sim.now
            self._drop(vm)

    def register_again(self, vm: Vm) -> None:
        if vm.node_removed and not vm.gone and self.steady():
            vm.node_removed = False
            self._join(vm)
            self._report(vm)

    def _join(self, vm: Vm) -> None:
        if vm.gone or self._cluster.peek(NODE, vm.node) is not None or not self.steady():
            return
        self._sim.tell(KUBELET, f"{vm.node} joins", vm.pool)
        self._cluster.seed(NODE, node_of(vm))

    def _join_too_late(self, vm: Vm) -> None:
        """Its Node is Ready until the cloud's controller finds that it has no machine."""
        if self._cluster.peek(NODE, vm.node) is None and self.steady():
            self._sim.tell(KUBELET, f"{vm.node} joins as its machine goes", vm.pool)
            status = status_of(replace(vm, gone=False, ready_since=self._sim.now), self._time())
            self._cluster.seed(NODE, {**node_of(vm), "status": status})
            self._sim.later(self._sim.between(5, 60), self._clear, vm)

    def _ready(self, vm: Vm) -> None:
        if vm.gone or vm.not_ready_cause is not None:
            return
        sim, injector = self._sim, self._sim.injector
        if not self.steady():
            sim.later(30, self._ready, vm)
            return
        self._join(vm)
        vm.ready_since = sim.now
        gpus_late = injector.strikes(Fault.GPUS_LATE)
        vm.has_gpus = not gpus_late
        sim.tell(KUBELET, f"{vm.node} is Ready{', its GPUs are not' * gpus_late}", vm.pool)
        self._report(vm)
        if gpus_late:
            sim.later(sim.between(5, 300), self._find_gpus, vm)
        self._plan_not_ready(vm)
        self.on_ready(vm)

    def _plan_not_ready(self, vm: Vm) -> None:
        injector, sim = self._sim.injector, self._sim
        if injector.strikes(Fault.BREAKS):
            sim.later(sim.between(10, 600), self.become_not_ready, vm, NotReadyCause.BROKEN)
        elif injector.strikes(Fault.FLAPS):
            begins, lasts = sim.between(5, 600), sim.between(1, 200)
            sim.later(begins, self.become_not_ready, vm, NotReadyCause.FLAPPING)
            sim.later(begins + lasts, self.recover, vm, NotReadyCause.FLAPPING)

    def _find_gpus(self, vm: Vm) -> None:
        vm.has_gpus = True
        if not vm.gone:
            self._sim.tell(KUBELET, f"{vm.node} advertises its GPUs", vm.pool)
            self._report(vm)

    def _report(self, vm: Vm) -> None:
        """Write the status: the kubelet's, or the node controller's when the kubelet is silent."""
        if self._cluster.peek(NODE, vm.node) is not None:
            self._cluster.change(NODE, Key("", vm.node), {"status": status_of(vm, self._time())})

    def _clear(self, vm: Vm) -> None:
        if self._cluster.peek(NODE, vm.node) is not None:
            self._sim.tell(CONTROLLER, f"{vm.node} has no machine: its Node goes", vm.pool)
            self._drop(vm)

    def _drop(self, vm: Vm) -> None:
        self._cluster.change(NODE, Key("", vm.node), None)

    def _time(self) -> str:
        return self._sim.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def node_of(vm: Vm) -> Manifest:
    taints = [taint.rsplit(":", 1) for taint in vm.taints]
    return {
        "metadata": {
            "name": vm.node,
            "labels": {
                **vm.labels,
                labels.AGENT_POOL: vm.pool,
                labels.INSTANCE_TYPE: vm.instance_type,
                labels.REGION: region.NAME,
                labels.ZONE: f"{region.NAME}-{vm.zone}" if vm.zone else "0",
                **({"kubernetes.azure.com/scalesetpriority": "spot"} if vm.spot else {}),
            },
        },
        "spec": {
            "providerID": _provider_id(vm),
            "taints": [
                {"key": pair.split("=")[0], "value": pair.split("=")[1], "effect": effect}
                for pair, effect in taints
            ],
        },
        "status": {"conditions": [_condition("False", "")]},
    }


def _provider_id(vm: Vm) -> str:
    subscription, group = NODE_GROUP.split("/")
    scale_sets = "providers/Microsoft.Compute/virtualMachineScaleSets"
    place = f"azure:///subscriptions/{subscription}/resourceGroups/{group}/{scale_sets}"
    return f"{place}/{vm.node}/virtualMachines/0"


def status_of(vm: Vm, since: str) -> Manifest:
    ready = "True" if vm.is_ready else "Unknown"
    gpus = {labels.GPU_RESOURCE: str(vm.gpus if vm.has_gpus else 0)}
    return {"conditions": [_condition(ready, since)], "capacity": gpus, "allocatable": gpus}


def _condition(status: str, since: str) -> Manifest:
    return {"type": "Ready", "status": status, "reason": "Simulated", "lastTransitionTime": since}
