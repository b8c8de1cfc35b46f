"""Stops and starts the cluster, like `az aks stop` and `az aks start`."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pools import PoolState
from tests.simulation.arm import ACTOR, Arm
from tests.simulation.fault_injector import Fault
from tests.simulation.machines import NODE_GROUP, Machines
from tests.simulation.simulation import Simulation
from tests.simulation.vm import NotReadyCause

VERSION = "1.33.2"
_ODD_STATES = (
    PoolState.UPDATING,
    PoolState.CANCELED,
    PoolState.FAILED,
    PoolState.UNKNOWN,
    None,
)


class Power(Enum):
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"


class Pods(Protocol):
    """The replicas that run on the cluster."""

    def go_down(self) -> None: ...

    def come_up(self) -> None: ...


@dataclass(eq=False)
class ClusterPower:
    sim: Simulation
    machines: Machines
    state: Power = Power.RUNNING
    since: float = 0.0

    def steady(self) -> bool:
        return self.state is Power.RUNNING

    def reported(self) -> ClusterState:
        running = self.state is not Power.STOPPED
        settled = self.state in (Power.RUNNING, Power.STOPPED)
        return ClusterState(
            running=running, settled=settled, kubernetes_version=VERSION, node_group=NODE_GROUP
        )

    def turn(self, state: Power) -> None:
        self.state, self.since = state, self.sim.now
        self.sim.tell(ACTOR, f"the cluster is {state.value}")


@dataclass(eq=False)
class PowerCycle:
    """Stops the cluster and starts it again."""

    sim: Simulation
    arm: Arm
    machines: Machines
    power: ClusterPower
    pods: Pods

    def begin(self, *, takes_pods: bool | None = None) -> None:
        """With `takes_pods` the replicas stop as well, as on AKS; None decides at random."""
        if self.power.state is not Power.RUNNING:
            return
        self.sim.injector.record(Fault.STOP_START)
        sim = self.sim
        self.power.turn(Power.STOPPING)
        self._report_odd_states()
        if takes_pods is None:
            takes_pods = sim.rng.random() < 0.6
        if takes_pods:
            sim.later(sim.between(0, 30), self.pods.go_down)
        sim.later(sim.between(20, 90), self._stopped, takes_pods)

    def _stopped(self, takes_pods: bool) -> None:
        sim = self.sim
        self.power.turn(Power.STOPPED)
        self.arm.cancel_operations()
        for pool in self.arm.pools.values():
            if pool.vm is not None:
                sim.later(
                    sim.between(0, 60), self.machines.become_not_ready, pool.vm, NotReadyCause.POWER
                )
                if sim.rng.random() < 0.3:
                    sim.later(sim.between(60, 120), self.machines.delete_node, pool.vm)
        sim.later(sim.between(180, 1800), self._starting, takes_pods)

    def _starting(self, takes_pods: bool) -> None:
        sim = self.sim
        self.power.turn(Power.STARTING)
        self._report_odd_states()
        if takes_pods:
            sim.later(sim.between(5, 60), self.pods.come_up)
        sim.later(sim.between(60, 240), self._started)

    def _started(self) -> None:
        sim = self.sim
        self.power.turn(Power.RUNNING)
        self.arm.set_reported_states(dict.fromkeys(self.arm.pools))
        for pool in self.arm.pools.values():
            if pool.vm is not None:
                back = sim.between(0, 240)
                sim.later(back, self.machines.register_again, pool.vm)
                sim.later(back + 1, self.machines.recover, pool.vm, NotReadyCause.POWER)

    def _report_odd_states(self) -> None:
        """Let AKS report wrong states of pools meanwhile, as it does during a stop and start."""
        rng = self.sim.rng
        self.arm.set_reported_states({name: rng.choice(_ODD_STATES) for name in self.arm.pools})
