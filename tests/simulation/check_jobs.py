"""Runs the Jobs that check data: the Job controller, and a kubelet on a node without a GPU."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kaito_api import labels
from kaito_kube.fake import Event
from kaito_kube.kinds import JOB, POD, Key, Manifest, key_of, labels_of
from tests.simulation.api_server import ApiServer
from tests.simulation.fault_injector import Fault
from tests.simulation.replica import SKEW
from tests.simulation.simulation import Simulation
from workspace_controller.plan.tuning.check_verdict import OBSTRUCTED_SECONDS, RUNNING_SECONDS

ACTOR = "kubelet"
# The kubelet doubles its pauses between restarts up to the longest.
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 10.0, 300.0
# Late data is there after this time.
_LATE_SECONDS = 900.0


class Data(Enum):
    """What is true about the data at a URL."""

    SOUND = "sound"
    LATE = "late"
    BROKEN = "broken"


@dataclass
class Check:
    """A check Job's pod, by the true state."""

    job: str
    pod: Key
    created: float
    is_scheduled: bool
    pause: float = _SHORTEST_PAUSE_SECONDS
    last: Manifest = field(default_factory=dict)
    first_report: float | None = None


@dataclass(eq=False)
class CheckJobs:
    """`steady` tells whether the cluster is up, `lag` how old a controller's knowledge may be.

    `unchecked` are the Workspaces (namespace/name) whose nodes did not have to wait for the check.
    """

    sim: Simulation
    server: ApiServer
    steady: Callable[[], bool]
    lag: float
    unchecked: set[str] = field(default_factory=set)
    _urls: dict[str, tuple[Data, float]] = field(default_factory=dict)
    _checks: dict[str, Check] = field(default_factory=dict)
    _passed: set[str] = field(default_factory=set)
    # The Workspaces whose last check was deleted when it could not be done.
    _given_up: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.server.listen(self._changed)

    def publish(self, workspace: str, data: Data) -> str:
        """A URL with such data."""
        url = f"https://data.example/{workspace}/{len(self._urls)}.parquet"
        self._urls[url] = (data, self.sim.now + self.sim.between(0, _LATE_SECONDS))
        return url

    def why_unchecked(self, workspace: Manifest) -> str:
        """Why no node may be requested yet; empty where the data is sound, or cannot be checked."""
        if "tuning" not in workspace or workspace["metadata"]["uid"] in self._passed:
            return ""
        metadata, place = workspace["metadata"], str(key_of(workspace))
        name = f"{metadata['name']}.data-check"
        job = self.server.find(JOB, name, metadata["namespace"])
        if job is None and metadata["uid"] in self._given_up:
            self.unchecked.add(place)
            return ""
        if job is None:
            return "the check of its data does not exist"
        if self._is_hopeless(job):
            self.unchecked.add(place)
            return ""
        return "the check of its data has not succeeded"

    def _is_hopeless(self, job: Manifest) -> bool:
        """Whether a controller may believe that the check cannot be done."""
        check, tolerance = self._checks.get(job["metadata"]["uid"]), 2 * SKEW
        if check is None:
            return True
        if check.first_report is not None and self.sim.now - check.first_report > self.lag:
            return False
        age = self.sim.now - check.created
        if not check.is_scheduled or age <= self.lag:
            return age >= OBSTRUCTED_SECONDS - tolerance
        return age >= RUNNING_SECONDS - tolerance

    def _changed(self, event: Event) -> None:
        manifest = event.change.manifest
        if event.kind is not JOB or labels_of(manifest).get(labels.ROLE) != "data-check":
            return
        owner = manifest["metadata"]["ownerReferences"][0]["uid"]
        if event.change.type == "DELETED" and self._is_hopeless(manifest):
            self._given_up.add(owner)
        if event.change.type == "ADDED":
            self._given_up.discard(owner)
            uid, key = manifest["metadata"]["uid"], key_of(manifest)
            self._soon(0.1, 5, self._create_pod, uid, key)

    def _soon(self, least: float, most: float, action: Callable[..., None], *args: Any) -> None:
        self.sim.later(self.sim.between(least, most), self._when_steady, action, *args)

    def _when_steady(self, action: Callable[..., None], *args: Any) -> None:
        if self.steady():
            action(*args)
        else:
            self.sim.later(30, self._when_steady, action, *args)

    def _create_pod(self, uid: str, key: Key) -> None:
        job = self.server.find(JOB, key.name, key.namespace)
        if job is None or job["metadata"]["uid"] != uid:
            return
        scheduled = not self.sim.injector.strikes(Fault.NO_ROOM)
        name = f"{key.name}-{self.sim.rng.randrange(16**5):05x}"
        self._checks[uid] = check = Check(
            job=uid, pod=Key(key.namespace, name), created=self.sim.now, is_scheduled=scheduled
        )
        self.server.cluster.seed(POD, _pod(job, name, () if scheduled else (self._unscheduled(),)))
        self.server.cluster.change(JOB, key, {"status": {"active": 1}})
        if scheduled:
            self._soon(1, 60, self._start, check, job)
        else:
            self.sim.tell(ACTOR, f"no node has room for {name}")

    def _start(self, check: Check, job: Manifest) -> None:
        if self._report(check, {"running": {"startedAt": self._time()}}):
            self._soon(1, 120, self._end, check, job)

    def _end(self, check: Check, job: Manifest) -> None:
        """The container ends with what is true about the data that it was given."""
        if self._is_gone(check):
            return
        if self.sim.injector.strikes(Fault.CHECK_LOST):
            self.sim.tell(ACTOR, f"{check.pod.name} is lost")
            self.server.cluster.change(POD, check.pod, None)
            self._soon(0.1, 5, self._create_pod, check.job, key_of(job))
            return
        failure = self._failure(job)
        self.sim.tell(ACTOR, f"{check.pod.name} {failure.get('reason', 'succeeds')}")
        if not failure:
            self._report(check, {"terminated": {"exitCode": 0}}, phase="Succeeded")
            self._soon(0.1, 3, self._complete, check, job)
            return
        if check.first_report is None:
            check.first_report = self.sim.now
        ended = {"exitCode": 1, "message": json.dumps(failure)}
        self._report(check, {"terminated": ended})
        check.last = {"terminated": ended}
        self.sim.later(check.pause, self._when_steady, self._start, check, job)
        check.pause = min(2 * check.pause, _LONGEST_PAUSE_SECONDS)

    def _complete(self, check: Check, job: Manifest) -> None:
        found = self.server.find(JOB, *_place(job))
        if found is None or found["metadata"]["uid"] != check.job:
            return
        self._passed.add(job["metadata"]["ownerReferences"][0]["uid"])
        done = {"active": 0, "conditions": [{"type": "Complete", "status": "True"}]}
        self.server.cluster.change(JOB, key_of(job), {"status": done})

    def _failure(self, job: Manifest) -> Manifest:
        """What the check reports; empty if the data is sound."""
        container = job["spec"]["template"]["spec"]["containers"][0]
        env = {each["name"]: each.get("value", "") for each in container["env"]}
        (url,) = json.loads(env["KAITO_DATA_URLS"])
        data, there_at = self._urls[url]
        if data is Data.BROKEN:
            return {"reason": "DataUnreadable", "message": f"{url} is a page", "retryable": False}
        if data is Data.LATE and self.sim.now < there_at:
            message = f"{url} does not answer"
            return {"reason": "DataUnreachable", "message": message, "retryable": True}
        return {}

    def _report(self, check: Check, state: Manifest, phase: str = "Running") -> bool:
        """Write the pod's status; False if the pod is gone."""
        if self._is_gone(check):
            return False
        container = {"name": "data-checker", "state": state, "lastState": check.last}
        status = {"phase": phase, "containerStatuses": [container]}
        self.server.cluster.change(POD, check.pod, {"status": status})
        return True

    def _is_gone(self, check: Check) -> bool:
        return self.server.find(POD, check.pod.name, check.pod.namespace) is None

    def _unscheduled(self) -> Manifest:
        return {
            "type": "PodScheduled",
            "status": "False",
            "message": "0/1 nodes are available",
            "lastTransitionTime": self._time(),
        }

    def _time(self) -> str:
        return self.sim.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["name"], manifest["metadata"]["namespace"]


def _pod(job: Manifest, name: str, conditions: tuple[Manifest, ...]) -> Manifest:
    metadata = job["metadata"]
    return {
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": job["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [
                {"kind": JOB.kind, "name": metadata["name"], "uid": metadata["uid"]}
            ],
        },
        "spec": job["spec"]["template"]["spec"],
        "status": {"phase": "Pending", "conditions": list(conditions)},
    }
