"""The cluster as a whole is stopped and started, as `az aks stop` and `az aks start` do it."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pools import PoolState
from tests.simulation.arm import ACTOR, Arm
from tests.simulation.machines import Machines
from tests.simulation.stage import Stage
from tests.simulation.vm import Ill
from tests.simulation.weather import Fault

VERSION = "1.33.2"
_ODD = (
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
    """The replicas, which run on the cluster that is stopped."""

    def go_down(self) -> None: ...

    def come_up(self) -> None: ...


@dataclass(eq=False)
class ClusterPower:
    stage: Stage
    machines: Machines
    state: Power = Power.RUNNING
    since: float = 0.0

    def steady(self) -> bool:
        return self.state is Power.RUNNING

    def told(self) -> ClusterState:
        running = self.state is not Power.STOPPED
        settled = self.state in (Power.RUNNING, Power.STOPPED)
        return ClusterState(running=running, settled=settled, kubernetes_version=VERSION)

    def turn(self, state: Power) -> None:
        self.state, self.since = state, self.stage.now
        self.stage.tell(ACTOR, f"the cluster is {state.value}")


@dataclass(eq=False)
class Cycle:
    """One stop and start."""

    stage: Stage
    arm: Arm
    machines: Machines
    power: ClusterPower
    pods: Pods

    def begin(self, *, takes_pods: bool | None = None) -> None:
        """With `takes_pods` the replicas go down with it, as on AKS; None lets chance decide."""
        if self.power.state is not Power.RUNNING:
            return
        self.stage.weather.happened(Fault.STOP_START)
        stage = self.stage
        self.power.turn(Power.STOPPING)
        self._odd()
        if takes_pods is None:
            takes_pods = stage.rng.random() < 0.6
        if takes_pods:
            stage.later(stage.between(0, 30), self.pods.go_down)
        stage.later(stage.between(20, 90), self._stopped, takes_pods)

    def _stopped(self, takes_pods: bool) -> None:
        stage = self.stage
        self.power.turn(Power.STOPPED)
        self.arm.cancel_operations()
        for pool in self.arm.pools.values():
            if pool.vm is not None:
                stage.later(stage.between(0, 60), self.machines.fall_ill, pool.vm, Ill.POWER)
                if stage.rng.random() < 0.3:
                    stage.later(stage.between(60, 120), self.machines.delete_node, pool.vm)
        stage.later(stage.between(180, 1800), self._starting, takes_pods)

    def _starting(self, takes_pods: bool) -> None:
        stage = self.stage
        self.power.turn(Power.STARTING)
        self._odd()
        if takes_pods:
            stage.later(stage.between(5, 60), self.pods.come_up)
        stage.later(stage.between(60, 240), self._started)

    def _started(self) -> None:
        stage = self.stage
        self.power.turn(Power.RUNNING)
        self.arm.odd(dict.fromkeys(self.arm.pools))
        for pool in self.arm.pools.values():
            if pool.vm is not None:
                back = stage.between(0, 240)
                stage.later(back, self.machines.register_again, pool.vm)
                stage.later(back + 1, self.machines.recover, pool.vm, Ill.POWER)

    def _odd(self) -> None:
        """What AKS says of pools meanwhile is not to be built upon."""
        rng = self.stage.rng
        self.arm.odd({name: rng.choice(_ODD) for name in self.arm.pools})
