"""Judges each change of a number of replicas against the true load and the true replicas."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kaito_api.inference_set import parse
from kaito_kube.fake import Event
from kaito_kube.kinds import INFERENCE_SET, Kind, Manifest, key_of
from tests.simulation.api_server import ApiServer
from tests.simulation.call_rates import CallRates, RateBounds
from tests.simulation.demand.clients import SAMPLE_SECONDS, Clients
from tests.simulation.demand.model_replicas import ModelReplicas
from tests.simulation.simulation import Simulation
from tests.simulation.violation import Violation, ViolationKind

# A period that is long enough that no cut between a front door and a controller hides it all, and
# the load of that a mean over the cut would not show.
_PERIOD = 24
_MARGIN = 1.1
_START_SECONDS = 1800.0


@dataclass(eq=False)
class ScalingJudge:
    """`tolerance` is by how many seconds two controllers' clocks may differ."""

    sim: Simulation
    server: ApiServer
    replicas: ModelReplicas
    tolerance: float
    on_violation: Callable[[], None]
    clients: dict[str, Clients] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    changes: int = 0
    _wanted: dict[str, int] = field(default_factory=dict)
    _changed_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bounds = RateBounds(
            arm_calls_per_minute=0, arm_calls_per_claim=0, api_writes_per_minute=300
        )
        self.rates = CallRates(self.sim, bounds, self.report)
        self.server.listen(self._changed)

    def on_object_delete(self, who: str, kind: Kind, name: str) -> None:
        """Every deletion follows from a number of replicas, which is judged."""

    def on_object_patch(self, who: str, kind: Kind, name: str) -> None:
        """What a patch leads to is judged."""

    def report(self, kind: ViolationKind, about: str, what: str) -> None:
        self.violations.append(Violation(kind, about, what))
        self.on_violation()

    def _changed(self, event: Event) -> None:
        if event.kind is not INFERENCE_SET or event.change.type == "DELETED":
            return
        manifest = event.change.manifest
        model, now = str(key_of(manifest)), int(manifest["spec"]["replicas"])
        before = self._wanted.get(model)
        self._wanted[model] = now
        if before is not None and now != before:
            self.changes += 1
            self.sim.tell("judge", f"{model}: {before} -> {now} replicas")
            self._judge(manifest, model, before, now)
            self._changed_at[model] = self.sim.now

    def _judge(self, manifest: Manifest, model: str, before: int, now: int) -> None:
        rules = parse(manifest).autoscaling
        assert rules is not None
        up, down = rules.scale_up_window_seconds, rules.scale_down_window_seconds
        passed = self.sim.now - self._changed_at.get(model, float("-inf"))
        if passed < (up if now > before else down) - self.tolerance:
            what = f"{before} -> {now} replicas, {passed:.0f} s after the last change"
            self.report(ViolationKind.FLAPPING, model, what)
        if not rules.min_replicas <= now <= rules.max_replicas:
            self.report(ViolationKind.FLAPPING, model, f"{now} replicas are out of bounds")
        if now >= before:
            return
        load = self._highest(model, down)
        if load > now * rules.target_requests * _MARGIN:
            what = f"{before} -> {now} replicas, with {load:.1f} requests at once in the window"
            self.report(ViolationKind.UNDER_LOAD, model, what)
        for replica in self.replicas.of(model):
            young = self.sim.now - replica.made_at < _START_SECONDS - self.tolerance - 60
            if young and not replica.ever and not replica.failed:
                what = f"{before} -> {now} replicas, and {replica.key} has not answered yet"
                self.report(ViolationKind.UNDER_LOAD, model, what)

    def _highest(self, model: str, window: float) -> float:
        """The highest mean of a period within the window."""
        clients = self.clients[model]
        last = len(clients.samples) - 1
        first = max(0, last - int(window / SAMPLE_SECONDS) + 2)
        ends = range(first + _PERIOD, last - 1)
        return max((clients.mean(end - _PERIOD, end) for end in ends), default=0.0)
