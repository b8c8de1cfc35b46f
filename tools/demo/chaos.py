"""SIGKILL to what is at work: the controllers' leaders and the trainer. For the local cluster,
whose pods' processes are this machine's own."""

import os
import signal
from pathlib import Path

from tools.demo.kubectl import CommandFailed, Kubectl
from tools.demo.stage import NAMESPACE


def leader_of(kubectl: Kubectl, service: str) -> str:
    """The pod that holds the service's Lease."""
    lease = kubectl.get("lease", f"kaito-{service}", "-n", NAMESPACE) or {}
    return str(lease["spec"]["holderIdentity"])


def kill_container(kubectl: Kubectl, pod: str, namespace: str, container: str) -> int:
    """Kills the container's processes; returns how many. Raises CommandFailed when it has none."""
    identifier = _container_id(kubectl, pod, namespace, container)
    pids = [pid for pid in _processes() if identifier in _cgroup(pid)]
    if not pids:
        raise CommandFailed(f"no process of container {container} of pod {pod} runs here")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def _container_id(kubectl: Kubectl, pod: str, namespace: str, container: str) -> str:
    found = kubectl.get("pod", pod, "-n", namespace) or {}
    status = found.get("status") or {}
    for entry in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if entry["name"] == container and "running" in entry["state"]:
            return str(entry["containerID"]).removeprefix("containerd://")
    raise CommandFailed(f"container {container} of pod {pod} does not run")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _cgroup(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
