"""The Helm release of both controllers: upgrades, some of them with a wrong tag."""

from dataclasses import dataclass, field

from tests.simulation.fault_injector import Fault
from tests.simulation.replica import Replica
from tests.simulation.simulation import Simulation

ACTOR = "helm"
_REPOSITORY = "registry/model-server"
# Somebody notices that the models of a wrong release do not become ready, and corrects it.
_NOTICED_SECONDS = (60, 900)


@dataclass(eq=False)
class Release:
    """`image` is that of the model-server. `controllers` are the replicas that an upgrade replaces,
    one after the other."""

    sim: Simulation
    controllers: list[Replica] = field(default_factory=list)
    image: str = f"{_REPOSITORY}:1"
    _revision: int = 1

    @staticmethod
    def can_be_pulled(image: str) -> bool:
        return not image.startswith(f"{_REPOSITORY}:wrong")

    @staticmethod
    def made(image: str) -> bool:
        """Whether it is an image of the release, and not a user's own."""
        return image.startswith(f"{_REPOSITORY}:")

    def upgrade_any(self) -> None:
        """Upgrade to another tag, unless the present one is still to be corrected."""
        if self.can_be_pulled(self.image):
            self.sim.injector.record(Fault.UPGRADE)
            self._upgrade(is_wrong=self.sim.rng.random() < 0.5)

    def correct(self) -> None:
        if not self.can_be_pulled(self.image):
            self._upgrade(is_wrong=False)

    def _upgrade(self, *, is_wrong: bool) -> None:
        self._revision += 1
        self.image = f"{_REPOSITORY}:{'wrong-' * is_wrong}{self._revision}"
        self.sim.tell(ACTOR, f"upgrades to {self.image}")
        delay = 0.0
        for replica in self.controllers:
            delay += self.sim.between(1, 20)
            self.sim.later(delay, _replace, replica)
        if is_wrong:
            self.sim.later(self.sim.between(*_NOTICED_SECONDS), self.correct)


def _replace(replica: Replica) -> None:
    if replica.process is not None:
        replica.process.kill("is replaced by the upgrade")
