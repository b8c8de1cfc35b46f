"""What happens to processes, the network and the region, each at its own rate."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.process import API
from tests.simulation.replica import Replica
from tests.simulation.sold import A100, PLENTY, TYPES, V100, Region
from tests.simulation.stage import Stage
from tests.simulation.user import User
from tests.simulation.weather import Fault

REGION = "region"


@dataclass(eq=False)
class Chaos:
    """`cycle` begins a stop and start of the cluster."""

    stage: Stage
    replicas: list[Replica]
    region: Region
    user: User
    cycle: Callable[[], None]

    def begin(self) -> None:
        for replica in self.replicas:
            replica.deaths.append(self._died)
        for fault, mean, deed in (
            (Fault.CRASH, 240, self._crash),
            (Fault.OUTAGE, 900, self._outage),
            (Fault.PAUSE, 400, self._pause),
            (Fault.PARTITION, 300, self._partition),
            (Fault.WATCH_CUT, 200, self._cut_watches),
            (Fault.QUOTA, 500, self._quota),
            (Fault.SKU, 600, self._sku),
            (Fault.STOP_START, 600, self.cycle),
        ):
            if self.stage.weather.knows(fault):
                self._again(fault, mean, deed)

    def _again(self, fault: Fault, mean: float, deed: Callable[[], None]) -> None:
        def struck() -> None:
            if self.stage.weather.knows(fault):
                deed()
                self._again(fault, mean, deed)

        seconds = self.stage.rng.expovariate(self.stage.weather.density / mean)
        self.stage.later(seconds, struck)

    def _crash(self) -> None:
        replica = self.stage.rng.choice(self.replicas)
        if replica.is_up and replica.process is not None:
            self.stage.weather.happened(Fault.CRASH)
            replica.process.kill("killed")

    def _outage(self) -> None:
        if not all(replica.wanted for replica in self.replicas):
            return
        self.stage.weather.happened(Fault.OUTAGE)
        for replica in self.replicas:
            replica.go_down("goes down for a while")
            self.stage.later(self.stage.between(60, 900), replica.come_up)

    def _pause(self) -> None:
        process = self.stage.rng.choice(self.replicas).process
        if process is not None and process.alive and not process.stopped:
            self.stage.weather.happened(Fault.PAUSE)
            seconds = self.stage.between(5, 120)
            self.stage.tell(process.name, f"stands still for {seconds:.0f} s")
            process.stop()
            self.stage.later(seconds, process.go_on)

    def _partition(self) -> None:
        process = self.stage.rng.choice(self.replicas).process
        if process is not None and process.alive and API not in process.cut_off:
            self.stage.weather.happened(Fault.PARTITION)
            seconds = self.stage.between(3, 90)
            self.stage.tell(process.name, f"is cut off the API server for {seconds:.0f} s")
            process.cut(API)
            self.stage.later(seconds, process.heal, API)

    def _cut_watches(self) -> None:
        for replica in self.replicas:
            if replica.process is not None:
                for connection in list(replica.process.connections):
                    connection.breaks()

    def _quota(self) -> None:
        """Somebody else's machines eat it up, and are gone again."""
        family = self.stage.rng.choice((V100.family, A100.family))
        limit = self.region.used[family] + self.stage.rng.choice((0, 6, 12))
        self.stage.weather.happened(Fault.QUOTA)
        self.stage.tell(REGION, f"quota of {family} is down to {limit}")
        self.region.limits[family] = limit
        self.stage.later(self.stage.between(60, 900), self._restore, family)

    def _restore(self, family: str) -> None:
        self.region.limits[family] = PLENTY
        self.stage.tell(REGION, f"quota of {family} is back")

    def _sku(self) -> None:
        name = self.stage.rng.choice(list(TYPES))
        self.stage.weather.happened(Fault.SKU)
        self.stage.tell(REGION, f"{name} is withheld")
        self.region.withheld.add(name)
        self.stage.later(self.stage.between(60, 900), self.region.withheld.discard, name)

    def _died(self) -> None:
        """A user who deletes just when nobody looks."""
        stage = self.stage
        if not stage.weather.knows(Fault.USER_DELETES_WHILE_DOWN):
            return
        if any(replica.is_up for replica in self.replicas) and stage.rng.random() < 0.5:
            return
        if stage.rng.random() < 0.4:
            stage.later(stage.between(0.01, 5), self.user.delete_everything)
