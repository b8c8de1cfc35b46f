"""What the probes of a pod's containers say."""

from collections.abc import Iterator

from kaito_kube.kinds import Manifest
from workspace_controller.plan.pods.status import containers

# With these the kubelet ends a container whose probe fails: by SIGTERM, and at last by SIGKILL.
_KILLED = (137, 143)


def unready_reason(pod: Manifest) -> str:
    """Which probe a running container of the pod does not pass; empty where there is none."""
    for status, container in (*_running(pod, "initContainer"), *_running(pod)):
        if not container:
            continue
        probe = container.get("startupProbe")
        if probe and status.get("started") is False:
            return _pending(status, "startup", probe)
        probe = container.get("readinessProbe")
        if probe and not status.get("ready"):
            return _pending(status, "readiness", probe)
    return ""


def killing_probe(pod: Manifest) -> str:
    """The probe for which the kubelet may have ended a container; empty where there is none."""
    for status in containers(pod):
        container = _spec(pod, status)
        ends = [(status.get(key) or {}).get("terminated") for key in ("state", "lastState")]
        end: Manifest = next((each for each in ends if each), {})
        for kind in ("liveness", "startup"):
            probe = container.get(f"{kind}Probe")
            if probe and end.get("exitCode") in _KILLED and end.get("reason") != "OOMKilled":
                return f"its {kind} probe ({_describe(probe)}) may have failed"
    return ""


def has_unprobed_restart(pod: Manifest) -> bool:
    """Whether a container that restarted counts as ready only because it runs."""
    return any(
        "readinessProbe" not in container and (status.get("lastState") or {}).get("terminated")
        for status, container in _running(pod)
        if container
    )


def _running(pod: Manifest, kind: str = "container") -> Iterator[tuple[Manifest, Manifest]]:
    """The status and the spec of each container of a kind that runs."""
    for status in (pod.get("status") or {}).get(f"{kind}Statuses") or ():
        if "running" in (status.get("state") or {}):
            yield status, _spec(pod, status)


def _spec(pod: Manifest, status: Manifest) -> Manifest:
    spec = pod.get("spec") or {}
    specs = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    return next((each for each in specs if each.get("name") == status.get("name")), {})


def _pending(status: Manifest, kind: str, probe: Manifest) -> str:
    name = status.get("name")
    return f"container {name} runs and does not pass its {kind} probe ({_describe(probe)})"


def _describe(probe: Manifest) -> str:
    if http := probe.get("httpGet"):
        return f"GET :{http.get('port')}{http.get('path') or '/'}"
    if tcp := probe.get("tcpSocket"):
        return f"TCP :{tcp.get('port')}"
    if grpc := probe.get("grpc"):
        return f"gRPC :{grpc.get('port')}"
    return " ".join((probe.get("exec") or {}).get("command") or ())
