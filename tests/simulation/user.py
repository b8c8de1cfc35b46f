"""People: they make and delete workspaces, claims, Nodes and pools at any time."""

from dataclasses import dataclass

from tests.simulation.arm import AgentPool, Arm
from tests.simulation.machines import Machines
from tests.simulation.owner import Owner, delete_claim
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault
from tests.simulation.workspaces import Workspaces

ACTOR = "user"


@dataclass(eq=False)
class User:
    stage: Stage
    owner: Owner | Workspaces
    arm: Arm
    machines: Machines
    most_claims: int

    def act(self) -> None:
        """One deed, drawn from those that this run knows."""
        deeds = [self.make_workspace, self.end_workspace]
        weather = self.stage.weather
        for fault, deed in (
            (Fault.USER_DELETES, self.delete_claim),
            (Fault.NODE_DELETED, self.delete_node),
            (Fault.POOL_DELETED, self.delete_pool),
        ):
            if weather.knows(fault):
                deeds.append(deed)
        self.stage.rng.choice(deeds)()

    def make_workspace(self) -> None:
        room = self.most_claims - len(self.owner.wanted)
        if room > 0:
            self.owner.make_any(min(room, self.stage.rng.choice((1, 1, 1, 2, 3))))

    def end_workspace(self) -> None:
        if self.owner.workspaces:
            name = self.stage.rng.choice(list(self.owner.workspaces))
            self.stage.tell(ACTOR, f"deletes {name}")
            self.owner.end(name)

    def delete_claim(self) -> None:
        if self.owner.wanted:
            name = self.stage.rng.choice(list(self.owner.wanted))
            self.stage.weather.happened(Fault.USER_DELETES)
            delete_claim(self.stage, self.owner.cluster, self.owner.wanted[name], name)

    def delete_everything(self) -> None:
        """As the controllers are down."""
        self.stage.weather.happened(Fault.USER_DELETES_WHILE_DOWN)
        for name in list(self.owner.workspaces):
            self.owner.end(name)

    def delete_node(self) -> None:
        if pool := self._any_pool():
            vm = pool.vm
            if vm is not None and vm.is_ready and not vm.node_removed:
                self.stage.weather.happened(Fault.NODE_DELETED)
                self.stage.tell(ACTOR, f"deletes Node {vm.node}", pool.name)
                self.machines.delete_node(vm)
                if self.stage.rng.random() < 0.3:
                    back = self.stage.between(1, 60)
                    self.stage.later(back, self.machines.register_again, vm)

    def delete_pool(self) -> None:
        if (pool := self._any_pool()) and not pool.state.in_flight:
            self.stage.weather.happened(Fault.POOL_DELETED)
            self.stage.tell(ACTOR, "deletes the pool in the portal", pool.name)
            self.arm.begin_delete(pool)

    def _any_pool(self) -> AgentPool | None:
        ours = [pool for pool in self.arm.pools.values() if not pool.foreign]
        return self.stage.rng.choice(ours) if ours else None
