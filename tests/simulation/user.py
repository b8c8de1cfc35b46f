"""A user who creates and deletes workspaces, claims, Nodes and pools at any time."""

from dataclasses import dataclass

from tests.simulation.arm import AgentPool, Arm
from tests.simulation.claim_creator import ClaimCreator, delete_claim
from tests.simulation.fault_injector import Fault
from tests.simulation.machines import Machines
from tests.simulation.simulation import Simulation
from tests.simulation.workspaces import Workspaces

ACTOR = "user"


@dataclass(eq=False)
class User:
    sim: Simulation
    creator: ClaimCreator | Workspaces
    arm: Arm
    machines: Machines
    most_claims: int

    def act(self) -> None:
        """One action, drawn from those that this run knows."""
        actions = [self.make_workspace, self.end_workspace]
        injector = self.sim.injector
        for fault, action in (
            (Fault.USER_DELETES, self.delete_claim),
            (Fault.NODE_DELETED, self.delete_node),
            (Fault.POOL_DELETED, self.delete_pool),
        ):
            if injector.is_enabled(fault):
                actions.append(action)
        if isinstance(self.creator, Workspaces) and self.creator.broken:
            actions.append(self.creator.correct_any)
        self.sim.rng.choice(actions)()

    def make_workspace(self) -> None:
        room = self.most_claims - len(self.creator.desired)
        if room > 0:
            self.creator.make_any(min(room, self.sim.rng.choice((1, 1, 1, 2, 3))))

    def end_workspace(self) -> None:
        if self.creator.workspaces:
            name = self.sim.rng.choice(list(self.creator.workspaces))
            self.sim.tell(ACTOR, f"deletes {name}")
            self.creator.end(name)

    def delete_claim(self) -> None:
        if self.creator.desired:
            name = self.sim.rng.choice(list(self.creator.desired))
            self.sim.injector.record(Fault.USER_DELETES)
            delete_claim(self.sim, self.creator.cluster, self.creator.desired[name], name)

    def delete_everything(self) -> None:
        """Delete every workspace, which happens while the controllers are down."""
        self.sim.injector.record(Fault.USER_DELETES_WHILE_DOWN)
        for name in list(self.creator.workspaces):
            self.creator.end(name)

    def delete_node(self) -> None:
        if pool := self._any_pool():
            vm = pool.vm
            if vm is not None and vm.is_ready and not vm.node_removed:
                self.sim.injector.record(Fault.NODE_DELETED)
                self.sim.tell(ACTOR, f"deletes Node {vm.node}", pool.name)
                self.machines.delete_node(vm)
                if self.sim.rng.random() < 0.3:
                    back = self.sim.between(1, 60)
                    self.sim.later(back, self.machines.register_again, vm)

    def delete_pool(self) -> None:
        if (pool := self._any_pool()) and not pool.state.in_flight:
            self.sim.injector.record(Fault.POOL_DELETED)
            self.sim.tell(ACTOR, "deletes the pool in the portal", pool.name)
            self.arm.begin_delete(pool)

    def _any_pool(self) -> AgentPool | None:
        ours = [pool for pool in self.arm.pools.values() if not pool.foreign]
        return self.sim.rng.choice(ours) if ours else None
