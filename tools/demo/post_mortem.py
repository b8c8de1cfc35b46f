"""What the cluster and the cloud were when something went wrong, for whoever reads it later on
another machine."""

from collections.abc import Callable

from tools.aks_emulator.admin_client import EmulatorError
from tools.demo import cloud
from tools.demo.kubectl import CommandFailed, Kubectl
from tools.demo.stage import NAMESPACE

_KINDS = "workspaces,machines.karpenter.sh,nodeclaims.karpenter.sh,nodes"
_LINES = 60


def post_mortem(kubectl: Kubectl) -> str:
    """Objects, agent pools, events and the controllers' last words. What cannot be had says why."""
    parts = {
        "agent pools": lambda: "\n".join(cloud.pool_lines()),
        "kubectl get": lambda: kubectl.run("get", _KINDS, "-A", "-o", "wide"),
        "pods": lambda: kubectl.run("get", "pods", "-A", "-o", "wide"),
        "events": lambda: _tail(kubectl.run("get", "events", "-A", "--sort-by=.lastTimestamp")),
        "gpu-provisioner": lambda: _log(kubectl, "gpu-provisioner"),
        "workspace-controller": lambda: _log(kubectl, "workspace-controller"),
    }
    return "\n".join(f"--- {title}\n{_had(look)}" for title, look in parts.items())


def _had(look: Callable[[], str]) -> str:
    try:
        return look()
    except (CommandFailed, EmulatorError) as error:
        return str(error)


def _log(kubectl: Kubectl, service: str) -> str:
    label = f"app.kubernetes.io/name={service}"
    return kubectl.run("logs", "-n", NAMESPACE, "-l", label, "--prefix", f"--tail={_LINES}")


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_LINES:])
