"""Kills running containers: the controllers' leaders and the trainer.

Works on the local cluster only, where the pods' processes run on this machine.
"""

import os
import signal
from pathlib import Path

from tools.demo.cluster import NAMESPACE
from tools.demo.kubectl import CommandFailed, Kubectl


def leader_of(kubectl: Kubectl, service: str) -> str:
    """The pod that holds the service's Lease."""
    lease = kubectl.get("lease", f"kaito-{service}", "-n", NAMESPACE) or {}
    return str(lease["spec"]["holderIdentity"])


def kill_container(kubectl: Kubectl, pod: str, namespace: str, container: str) -> int:
    """Kill the container's processes with SIGKILL and return how many there were.

    Raises:
        CommandFailed: the container is not running, or has no process on this machine.
    """
    identifier = _container_id(kubectl, pod, namespace, container)
    pids = [pid for pid in _processes() if identifier in _cgroup(pid)]
    if not pids:
        raise CommandFailed(
            f"no process of container {container} of pod {pod} runs on this machine"
        )
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def _container_id(kubectl: Kubectl, pod: str, namespace: str, container: str) -> str:
    found = kubectl.get("pod", pod, "-n", namespace) or {}
    status = found.get("status") or {}
    for entry in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if entry["name"] == container and "running" in entry["state"]:
            return str(entry["containerID"]).removeprefix("containerd://")
    raise CommandFailed(f"container {container} of pod {pod} is not running")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _cgroup(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
