"""The rest of the cluster over a FakeCluster: provisioner, kubelet, Job and Deployment controllers.

One `step` lets each of them do what it would do next.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from kaito_api import labels
from kaito_api.conditions import rfc3339
from kaito_kube import kinds
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import (
    Key,
    Kind,
    Manifest,
    annotations_of,
    is_being_deleted,
    key_of,
    labels_of,
)
from tests.workspace_controller.given import DIGEST, NAMESPACE
from workspace_controller.manifests.spread import COMPLETION_INDEX

_CLAIM_FINALIZER = "karpenter.sh/termination"


@dataclass
class World:
    cluster: FakeCluster
    pods_made: int = 0
    claims_seen: set[str] = field(default_factory=set)
    runs_seen: set[str] = field(default_factory=set)
    most_claims: int = 0
    # What the check of the data reports when it fails; None where it succeeds.
    check_failure: Manifest | None = None
    # Whether a node without a GPU has room for the check.
    has_cpu_node: bool = True
    # Images that no node can pull.
    missing_images: set[str] = field(default_factory=set)
    # Whether Kueue has room for the Jobs in its queues.
    admits: bool = True
    # Of pods that serve.
    pod_address: str = "10.0.0.1"
    # Workspaces whose model-server crashes.
    crashing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cluster.seed(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})

    def step(self) -> None:
        self.most_claims = max(self.most_claims, len(self.cluster.objects(kinds.MACHINE)))
        for claim in self.cluster.objects(kinds.MACHINE):
            self._claim(claim)
        # Those that KAITO left have no role, and keep their state.
        for job in self._with_role(kinds.JOB):
            self._job(job)
        for deployment in self.cluster.objects(kinds.DEPLOYMENT):
            if labels.WORKSPACE in labels_of(deployment):
                self._deployment(deployment)
        for pod in self._with_role(kinds.POD):
            self._pod(pod)

    def _with_role(self, kind: Kind) -> list[Manifest]:
        return [found for found in self.cluster.objects(kind) if labels.ROLE in labels_of(found)]

    def _claim(self, claim: Manifest) -> None:
        key, node = key_of(claim), f"node-{claim['metadata']['name']}"
        self.claims_seen.add(claim["metadata"]["uid"])
        if is_being_deleted(claim):
            if self.cluster.peek(kinds.NODE, node):
                self._drop(kinds.NODE, Key("", node))
                return
            self._change(kinds.MACHINE, key, {"metadata": {"finalizers": None}})
            return
        if _CLAIM_FINALIZER not in (claim["metadata"].get("finalizers") or ()):
            patch = {"metadata": {"finalizers": [_CLAIM_FINALIZER]}}
            self._change(kinds.MACHINE, key, patch)
        elif self.cluster.peek(kinds.NODE, node) is None:
            self.cluster.seed(kinds.NODE, _node(node, claim))
        elif not (claim.get("status") or {}).get("conditions"):
            ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
            status = {"status": {"conditions": [ready], "nodeName": node}}
            self._change(kinds.MACHINE, key, status)

    def _job(self, job: Manifest) -> None:
        if labels_of(job)[labels.ROLE] == "tuning":
            self.runs_seen.add(job["metadata"]["uid"])
        own = [pod for pod in self.cluster.objects(kinds.POD) if _owned_by(pod, job)]
        if self._is_held_back(job):
            for pod in own:
                self._drop(kinds.POD, key_of(pod))
        elif job["spec"].get("completionMode") == "Indexed":
            self._indexed_job(job, own)
        elif not own:
            self._make_pod(job, job["spec"]["template"])
        elif (own[0].get("status") or {}).get("phase") == "Succeeded":
            done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
            self._change(kinds.JOB, key_of(job), done)

    def _is_held_back(self, job: Manifest) -> bool:
        """As Kueue does: what has its label is suspended until it is admitted."""
        if labels.QUEUE in labels_of(job) and bool(job["spec"].get("suspend")) is self.admits:
            suspended = {"spec": {"suspend": not self.admits}}
            self._change(kinds.JOB, key_of(job), suspended)
            return True
        return bool(job["spec"].get("suspend"))

    def _indexed_job(self, job: Manifest, own: list[Manifest]) -> None:
        """As the Job controller does with a successPolicy for the index 0."""
        by_index = {annotations_of(pod)[COMPLETION_INDEX]: pod for pod in own}
        first = by_index.get("0")
        if first is not None and (first.get("status") or {}).get("phase") == "Succeeded":
            done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
            self._change(kinds.JOB, key_of(job), done)
            for pod in own:
                if pod is not first:
                    self._drop(kinds.POD, key_of(pod))
            return
        for index in range(job["spec"]["completions"]):
            if str(index) not in by_index:
                self._make_pod(job, job["spec"]["template"], index=str(index))

    def _deployment(self, deployment: Manifest) -> None:
        generation = deployment["metadata"]["generation"]
        own = [pod for pod in self.cluster.objects(kinds.POD) if _owned_by(pod, deployment)]
        # As in Kubernetes, only another template makes other pods.
        new = [p for p in own if p["spec"] == deployment["spec"]["template"]["spec"]]
        old = [p for p in own if p not in new]
        surges = deployment["spec"]["strategy"]["type"] == "RollingUpdate"
        if not new and (surges or not old):
            self._make_pod(deployment, deployment["spec"]["template"])
        elif old and not (surges and not _serves(new[0])):
            self._drop(kinds.POD, key_of(old[0]))
            old = old[1:]
        status = {
            "observedGeneration": generation,
            "replicas": len(own),
            "readyReplicas": sum(_serves(pod) for pod in [*old, *new]),
            "updatedReplicas": len(new),
        }
        self._change(kinds.DEPLOYMENT, key_of(deployment), {"status": status})

    def _pod(self, pod: Manifest) -> None:
        if is_being_deleted(pod):
            return
        if not self._room_for(pod):
            unscheduled = {"type": "PodScheduled", "status": "False", "message": "no node has room"}
            self._change(kinds.POD, key_of(pod), {"status": {"conditions": [unscheduled]}})
            return
        status = pod.get("status") or {}
        if labels_of(pod).get(labels.ROLE) == "inference":
            if missing := [c for c in _images(pod) if c in self.missing_images]:
                self._change(kinds.POD, key_of(pod), {"status": _not_pulled(missing[0])})
            elif labels_of(pod)[labels.WORKSPACE] in self.crashing:
                self._change(kinds.POD, key_of(pod), {"status": _CRASHES})
            elif not status.get("podIP"):
                serves = {
                    "phase": "Running",
                    "podIP": self.pod_address,
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": "True",
                            "lastTransitionTime": rfc3339(self.cluster.clock.now()),
                        }
                    ],
                }
                self._change(kinds.POD, key_of(pod), {"status": serves})
            return
        if labels_of(pod).get(labels.ROLE) == "data-check":
            self._change(kinds.POD, key_of(pod), {"status": _checked(status, self.check_failure)})
            return
        if annotations_of(pod).get(COMPLETION_INDEX, "0") != "0" and status.get("done") == 1:
            # It trains until the first node has pushed.
            return
        self._change(kinds.POD, key_of(pod), {"status": _next_phase(status)})

    def _room_for(self, pod: Manifest) -> bool:
        """Each pod of an Indexed Job has a node of its own."""
        if labels_of(pod)[labels.ROLE] == "data-check":
            return self.has_cpu_node
        wanted = labels_of(pod)[labels.WORKSPACE]
        nodes = self.cluster.objects(kinds.NODE)
        free = [n for n in nodes if labels_of(n).get(labels.WORKSPACE) in (wanted, None)]
        return len(free) > int(annotations_of(pod).get(COMPLETION_INDEX, "0"))

    def _make_pod(
        self, owner: Manifest, template: Manifest, *, index: str = "", **more: str
    ) -> None:
        self.pods_made += 1
        meta = owner["metadata"]
        # The label is the one that Services select by.
        more |= {COMPLETION_INDEX: index} if index else {}
        self.cluster.seed(
            kinds.POD,
            {
                "metadata": {
                    "name": f"{meta['name']}-{self.pods_made}",
                    "namespace": meta["namespace"],
                    "labels": {**template["metadata"]["labels"], **more},
                    "annotations": {COMPLETION_INDEX: index} if index else {},
                    "ownerReferences": [{"uid": meta["uid"], "kind": owner.get("kind", "")}],
                },
                "spec": template["spec"],
            },
        )

    def _change(self, kind: Kind, key: Key, patch: Manifest) -> None:
        self.cluster.change(kind, key, patch)

    def _drop(self, kind: Kind, key: Key) -> None:
        self.cluster.change(kind, key, None)


def _serves(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _images(pod: Manifest) -> list[str]:
    return [container["image"] for container in pod["spec"]["containers"]]


def _not_pulled(image: str) -> Manifest:
    waiting = {"reason": "ImagePullBackOff", "message": f"{image}: not found"}
    status = {"name": "model-server", "image": image, "state": {"waiting": waiting}}
    return {"phase": "Pending", "containerStatuses": [status]}


_CRASHES: Manifest = {
    "phase": "Pending",
    "containerStatuses": [
        {
            "name": "model-server",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
    ],
}


def _next_phase(status: Manifest) -> Manifest:
    """data-fetcher, trainer and pusher run for one step each; then the pod has succeeded."""
    names = ("data-fetcher", "trainer", "pusher")
    done = min(int(status.get("done", -1)) + 1, len(names))
    ended: dict[str, Any] = {"terminated": {"exitCode": 0}}
    if done == len(names):
        report = {"image": "registry.local/adapters/phi:1", "digest": DIGEST, "size": 1000}
        ended = {"terminated": {"exitCode": 0, "message": json.dumps(report)}}
    states = [ended if i < done else {"running": {}} if i == done else {} for i in range(3)]
    statuses = [{"name": n, "state": s} for n, s in zip(names, states, strict=True)]
    return {
        "done": done,
        "phase": "Succeeded" if done >= len(names) else "Pending",
        "podIP": "10.0.0.1",
        "initContainerStatuses": statuses[:2],
        "containerStatuses": statuses[2:],
    }


def _checked(status: Manifest, failure: Manifest | None) -> Manifest:
    """The check runs for one step, and fails or succeeds in the next."""
    if not status:
        return {"phase": "Running", "containerStatuses": [_checker({"running": {}})]}
    if failure is None:
        passed = {"terminated": {"exitCode": 0}}
        return {"phase": "Succeeded", "containerStatuses": [_checker(passed)]}
    failed = {"terminated": {"exitCode": 1, "message": json.dumps(failure)}}
    return {"phase": "Running", "containerStatuses": [_checker(failed)]}


def _checker(state: Manifest) -> Manifest:
    return {"name": "data-checker", "state": state}


def _node(name: str, claim: Manifest) -> Manifest:
    kept = {k: v for k, v in labels_of(claim).items() if not k.startswith("karpenter.sh")}
    return {
        "metadata": {"name": name, "labels": kept},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {"nvidia.com/gpu": "1"},
        },
    }


def _owned_by(manifest: Manifest, owner: Manifest) -> bool:
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(r.get("uid") == owner["metadata"]["uid"] for r in references)
