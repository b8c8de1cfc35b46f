"""Runs the Deployments that serve models: the Deployment controller, and a kubelet on each node.

A new template replaces the pod, which becomes ready on the Ready node of its Workspace.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from kaito_api import conditions, labels
from kaito_kube.fake import Event
from kaito_kube.kinds import DEPLOYMENT, NODE, POD, Key, Manifest, key_of, labels_of
from tests.simulation.api_server import ApiServer
from tests.simulation.release import Release
from tests.simulation.simulation import Simulation

ACTOR = "kubelet"
_OWNER_LABELS = (labels.WORKSPACE, labels.WORKSPACE_NAMESPACE)


@dataclass(eq=False)
class Serving:
    """The true state of a Deployment: its pod runs `template` and is `ready`, or not yet."""

    key: Key
    uid: str
    template: Manifest
    owner: tuple[str, ...]
    pod: str = ""
    ready: bool = False

    @property
    def image(self) -> str:
        """That of its first container, the model-server."""
        return str(self.template["spec"]["containers"][0]["image"])


class Observer(Protocol):
    """Is notified before a template is replaced, and when a pod is ready or its Deployment gone."""

    def on_new_template(self, serving: Serving, image: str) -> None: ...

    def on_ready(self, serving: Serving) -> None: ...

    def on_deployment_gone(self, serving: Serving) -> None: ...


@dataclass(eq=False)
class Deployments:
    """`steady` tells whether the cluster is up."""

    sim: Simulation
    server: ApiServer
    steady: Callable[[], bool]
    observer: Observer
    servings: dict[str, Serving] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.server.listen(self._changed)

    def has_ready_node(self, serving: Serving) -> bool:
        return any(
            conditions.is_true(node, "Ready")
            for node in self.server.all(NODE)
            if _owner(node) == serving.owner
        )

    def _changed(self, event: Event) -> None:
        manifest = event.change.manifest
        if event.kind is NODE:
            for serving in self.servings.values():
                if serving.owner == _owner(manifest):
                    self._soon(0.1, 2, self._follow_node, serving)
        elif event.kind is DEPLOYMENT:
            self._deployment_changed(event.change.type, manifest)

    def _deployment_changed(self, change: str, manifest: Manifest) -> None:
        uid, template = manifest["metadata"]["uid"], manifest["spec"]["template"]
        serving = self.servings.get(uid)
        if change == "DELETED":
            if serving is not None:
                del self.servings[uid]
                self.observer.on_deployment_gone(serving)
        elif serving is None:
            serving = Serving(key_of(manifest), uid, template, _owner(manifest))
            self.servings[uid] = serving
            self._soon(0.1, 3, self._replace_pod, serving, template)
        elif template != serving.template:
            self.observer.on_new_template(serving, str(template["spec"]["containers"][0]["image"]))
            serving.template, serving.ready = template, False
            self._soon(0.1, 3, self._replace_pod, serving, template)
        elif _is_unobserved(manifest):
            self._soon(0.1, 3, self._write_status, serving)

    def _replace_pod(self, serving: Serving, template: Manifest) -> None:
        if not self._is_current(serving) or template is not serving.template:
            return
        if serving.pod:
            self._drop_pod(serving)
        self._made += 1
        serving.pod = f"{serving.key.name}-{self._made:05}"
        self.server.cluster.seed(POD, _pod(serving))
        self._write_status(serving)
        self._soon(1, 90, self._start, serving, serving.pod)

    def _start(self, serving: Serving, pod: str) -> None:
        """The pod becomes ready if its image can be pulled and its node is Ready."""
        if not self._is_current(serving) or serving.pod != pod or serving.ready:
            return
        if not Release.can_be_pulled(serving.image):
            self._write_pod(serving, _not_pulled(serving.image))
        elif self.has_ready_node(serving):
            self.sim.tell(ACTOR, f"pod {pod} of {serving.image} is ready")
            serving.ready = True
            self._write_pod(serving, _RUNS)
            self._write_status(serving)
            self.observer.on_ready(serving)
        else:
            self._soon(20, 40, self._start, serving, pod)

    def _follow_node(self, serving: Serving) -> None:
        if serving.ready and self._is_current(serving) and not self.has_ready_node(serving):
            self.sim.tell(ACTOR, f"pod {serving.pod} is not ready: its node is not")
            serving.ready = False
            self._write_pod(serving, _UNREADY)
            self._write_status(serving)
            self._soon(1, 30, self._start, serving, serving.pod)

    def _is_current(self, serving: Serving) -> bool:
        return self.servings.get(serving.uid) is serving

    def _write_pod(self, serving: Serving, status: Manifest) -> None:
        if self.server.find(POD, serving.pod, serving.key.namespace) is not None:
            key = Key(serving.key.namespace, serving.pod)
            self.server.cluster.change(POD, key, {"status": status})

    def _drop_pod(self, serving: Serving) -> None:
        if self.server.find(POD, serving.pod, serving.key.namespace) is not None:
            self.server.cluster.change(POD, Key(serving.key.namespace, serving.pod), None)

    def _write_status(self, serving: Serving) -> None:
        found = self.server.find(DEPLOYMENT, serving.key.name, serving.key.namespace)
        if found is None or found["metadata"]["uid"] != serving.uid:
            return
        replicas = found["spec"]["replicas"]
        status = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas if serving.ready else 0,
        }
        self.server.cluster.change(DEPLOYMENT, serving.key, {"status": status})

    def _soon(self, least: float, most: float, action: Callable[..., None], *args: Any) -> None:
        self.sim.later(self.sim.between(least, most), self._when_steady, action, *args)

    def _when_steady(self, action: Callable[..., None], *args: Any) -> None:
        if self.steady():
            action(*args)
        else:
            self.sim.later(30, self._when_steady, action, *args)


_RUNS = {
    "phase": "Running",
    "podIP": "10.0.0.1",
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [],
}
_UNREADY = {"conditions": [{"type": "Ready", "status": "False"}]}


def _not_pulled(image: str) -> Manifest:
    waiting = {"reason": "ImagePullBackOff", "message": f"{image}: not found"}
    container = {"name": "model-server", "image": image, "state": {"waiting": waiting}}
    return {"phase": "Pending", "containerStatuses": [container]}


def _is_unobserved(deployment: Manifest) -> bool:
    """Whether its status is older than its last change, which may be of annotations alone."""
    observed = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(observed < deployment["metadata"]["generation"])


def _owner(manifest: Manifest) -> tuple[str, ...]:
    """Name and namespace of the Workspace that an object is labeled for."""
    has = labels_of(manifest)
    return tuple(has.get(name, "") for name in _OWNER_LABELS)


def _pod(serving: Serving) -> Manifest:
    return {
        "metadata": {
            "name": serving.pod,
            "namespace": serving.key.namespace,
            "labels": serving.template["metadata"]["labels"],
            "ownerReferences": [
                {"kind": DEPLOYMENT.kind, "name": serving.key.name, "uid": serving.uid}
            ],
        },
        "spec": serving.template["spec"],
        "status": {"phase": "Pending"},
    }
