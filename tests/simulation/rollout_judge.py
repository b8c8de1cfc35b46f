"""Judges rollouts: a release's new configuration takes one model down at a time, and the next only
when that one is ready again. So the first that does not become ready stops the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kaito_api import conditions
from kaito_kube.kinds import WORKSPACE
from tests.simulation.api_server import ApiServer
from tests.simulation.deployments import Deployments, Serving
from tests.simulation.invariants import InvariantChecker
from tests.simulation.release import Release
from tests.simulation.simulation import Simulation
from tests.simulation.violation import Violation, ViolationKind


@dataclass(frozen=True, slots=True)
class Updating:
    """An update of a workload: since when, and by which process."""

    serving: Serving
    since: float
    process: object


@dataclass(eq=False)
class RolloutJudge:
    """`updating` are the workloads that answered until they were updated and have not since, by
    uid."""

    sim: Simulation
    server: ApiServer
    checker: InvariantChecker
    updating: dict[str, Updating] = field(default_factory=dict)

    def on_new_template(self, serving: Serving, image: str) -> None:
        if not serving.ready or image == serving.image:
            return
        now = Updating(serving, self.sim.now, self.server.applied_by)
        for other in self.updating.values():
            if other.serving is not serving and self._is_known(other, now):
                away = other.serving.key
                what = f"{serving.key} is taken down for {image}, while {away} is away"
                self.checker.report(ViolationKind.WRONGLY_DELETED, "", what)
        self.updating[serving.uid] = now

    def _is_known(self, other: Updating, now: Updating) -> bool:
        """Whether the process that updates now must know of the other update: it was its own, or
        is older than what the process may have listed."""
        return other.process is now.process or now.since - other.since > self.checker.keep_rules.lag

    def on_ready(self, serving: Serving) -> None:
        self.updating.pop(serving.uid, None)

    def on_deployment_gone(self, serving: Serving) -> None:
        self.updating.pop(serving.uid, None)


def unsettled_servings(
    server: ApiServer, deployments: Deployments, release: Release, judge: RolloutJudge
) -> Iterator[Violation]:
    """What the models' Deployments still lack of the release, or their Workspaces misreport."""
    is_held = any(not deployments.has_ready_node(u.serving) for u in judge.updating.values())
    for serving in deployments.servings.values():
        is_old = release.made(serving.image) and serving.image != release.image
        if is_old and deployments.has_ready_node(serving) and not is_held:
            what = f"{serving.key} keeps {serving.image} instead of {release.image}"
            yield Violation(ViolationKind.STUCK, "", what)
        workspace = server.find(WORKSPACE, serving.key.name, serving.key.namespace)
        found = ((workspace or {}).get("status") or {}).get("conditions") or ()
        reported = conditions.find(found, "InferenceReady") or {}
        if (reported.get("status") == "True") != serving.ready:
            what = f"says InferenceReady={reported.get('status')}/{reported.get('reason')}"
            truth = "its pod is ready" if serving.ready else "its pod is not ready"
            yield Violation(ViolationKind.STUCK, "", f"{serving.key} {what}, and {truth}")
