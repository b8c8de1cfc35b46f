"""Machines of agent pools: they boot, join as Nodes, fall ill, and are cleared away."""

from collections.abc import Callable

from kaito_api import labels
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE, Key, Manifest
from tests.simulation.arm import AgentPool
from tests.simulation.stage import Stage
from tests.simulation.vm import Ill, Vm
from tests.simulation.weather import Fault

KUBELET, CONTROLLER = "kubelet", "node ctrl"


class Machines:
    """`steady` says whether the cluster is up: nothing joins one that is not."""

    def __init__(self, stage: Stage, cluster: FakeCluster) -> None:
        self.steady: Callable[[], bool] = lambda: True
        self._stage = stage
        self._cluster = cluster
        self._made = 0

    def begin(self, pool: AgentPool, after: float) -> Vm:
        """A machine whose Node is Ready after so many seconds, if nothing is wrong with it."""
        self._made += 1
        vm = Vm(
            pool=pool.name,
            claim=pool.uid,
            node=f"aks-{pool.name}-{self._made:08}-vmss000000",
            instance_type=pool.type.name,
            gpus=pool.type.gpus,
            labels=pool.labels,
            taints=pool.taints,
        )
        weather, stage = self._stage.weather, self._stage
        if weather.strikes(Fault.NEVER_JOINS):
            stage.tell(KUBELET, "the machine will never join", pool.name)
            return vm
        late = stage.between(60, 1500) if weather.strikes(Fault.JOINS_LATE) else 0.0
        vm.ready_at = stage.now + after + late
        boots = min(after, stage.between(1, 15))
        stage.later(after + late - boots, self._join, vm)
        stage.later(after + late, self._ready, vm)
        return vm

    def remove(self, vm: Vm) -> None:
        """The machine is no more; the cloud's controller clears its Node away later."""
        vm.gone, vm.ready_since = True, None
        self._stage.later(self._stage.between(5, 60), self._clear, vm)

    def fall_ill(self, vm: Vm, ill: Ill) -> None:
        if vm.gone or not vm.joined or (vm.ill is not None and ill is not Ill.POWER):
            return
        vm.ready_since, vm.ill, vm.ill_since = None, ill, self._stage.now
        self._stage.tell(KUBELET, f"{vm.node} is not Ready: {ill.value}", vm.pool)
        self._report(vm)

    def recover(self, vm: Vm, ill: Ill) -> None:
        """From that illness; from another one it does not."""
        if vm.gone or vm.ill is not ill:
            return
        vm.ill, vm.ill_since, vm.ready_since = None, None, self._stage.now
        self._stage.tell(KUBELET, f"{vm.node} is Ready again", vm.pool)
        self._report(vm)

    def delete_node(self, vm: Vm) -> None:
        """By somebody's hand; the kubelet makes it again only when it is restarted."""
        if self._cluster.peek(NODE, vm.node) is not None:
            vm.node_removed = True
            self._drop(vm)

    def register_again(self, vm: Vm) -> None:
        if vm.node_removed and not vm.gone and self.steady():
            vm.node_removed = False
            self._join(vm)
            self._report(vm)

    def _join(self, vm: Vm) -> None:
        if vm.gone or self._cluster.peek(NODE, vm.node) is not None or not self.steady():
            return
        self._stage.tell(KUBELET, f"{vm.node} joins", vm.pool)
        self._cluster.seed(NODE, node_of(vm))

    def _ready(self, vm: Vm) -> None:
        if vm.gone or vm.ill is not None:
            return
        stage, weather = self._stage, self._stage.weather
        if not self.steady():
            stage.later(30, self._ready, vm)
            return
        self._join(vm)
        vm.ready_since = stage.now
        gpus_late = weather.strikes(Fault.GPUS_LATE)
        vm.has_gpus = not gpus_late
        stage.tell(KUBELET, f"{vm.node} is Ready{', its GPUs are not' * gpus_late}", vm.pool)
        self._report(vm)
        if gpus_late:
            stage.later(stage.between(5, 300), self._find_gpus, vm)
        self._plan_illness(vm)

    def _plan_illness(self, vm: Vm) -> None:
        weather, stage = self._stage.weather, self._stage
        if weather.strikes(Fault.BREAKS):
            stage.later(stage.between(10, 600), self.fall_ill, vm, Ill.BROKEN)
        elif weather.strikes(Fault.FLAPS):
            begins, lasts = stage.between(5, 600), stage.between(1, 200)
            stage.later(begins, self.fall_ill, vm, Ill.FLAPPING)
            stage.later(begins + lasts, self.recover, vm, Ill.FLAPPING)

    def _find_gpus(self, vm: Vm) -> None:
        vm.has_gpus = True
        if not vm.gone:
            self._stage.tell(KUBELET, f"{vm.node} advertises its GPUs", vm.pool)
            self._report(vm)

    def _report(self, vm: Vm) -> None:
        """The kubelet's status, or the node controller's word when it is silent."""
        if self._cluster.peek(NODE, vm.node) is not None:
            self._cluster.change(NODE, Key("", vm.node), {"status": _status(vm, self._time())})

    def _clear(self, vm: Vm) -> None:
        if self._cluster.peek(NODE, vm.node) is not None:
            self._stage.tell(CONTROLLER, f"{vm.node} has no machine: its Node goes", vm.pool)
            self._drop(vm)

    def _drop(self, vm: Vm) -> None:
        self._cluster.change(NODE, Key("", vm.node), None)

    def _time(self) -> str:
        return self._stage.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def node_of(vm: Vm) -> Manifest:
    taints = [taint.rsplit(":", 1) for taint in vm.taints]
    return {
        "metadata": {
            "name": vm.node,
            "labels": {
                **vm.labels,
                labels.AGENT_POOL: vm.pool,
                labels.INSTANCE_TYPE: vm.instance_type,
                labels.REGION: "simland",
                labels.ZONE: "simland-1",
            },
        },
        "spec": {
            "providerID": f"azure:///simulated/{vm.node}",
            "taints": [
                {"key": pair.split("=")[0], "value": pair.split("=")[1], "effect": effect}
                for pair, effect in taints
            ],
        },
        "status": {"conditions": [_condition("False", "")]},
    }


def _status(vm: Vm, since: str) -> Manifest:
    ready = "True" if vm.is_ready else "Unknown"
    gpus = {labels.GPU_RESOURCE: str(vm.gpus if vm.has_gpus else 0)}
    return {"conditions": [_condition(ready, since)], "capacity": gpus, "allocatable": gpus}


def _condition(status: str, since: str) -> Manifest:
    return {"type": "Ready", "status": status, "reason": "Simulated", "lastTransitionTime": since}
