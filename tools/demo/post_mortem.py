"""The state of the cluster and the cloud at the time of a failure, for a test report."""

from collections.abc import Callable

from tools.aks_emulator.admin_client import EmulatorError
from tools.demo import cloud
from tools.demo.cluster import NAMESPACE
from tools.demo.kubectl import CommandFailed, Kubectl

_KINDS = "workspaces,machines.karpenter.sh,nodeclaims.karpenter.sh,nodes"
_LINES = 60


def post_mortem(kubectl: Kubectl) -> str:
    """Objects, agent pools, events and the controllers' logs, or why they are not available."""
    parts = {
        "agent pools": lambda: "\n".join(cloud.pool_lines()),
        "kubectl get": lambda: kubectl.run("get", _KINDS, "-A", "-o", "wide"),
        "pods": lambda: kubectl.run("get", "pods", "-A", "-o", "wide"),
        "events": lambda: _tail(kubectl.run("get", "events", "-A", "--sort-by=.lastTimestamp")),
        "checks of data": lambda: _check_log(kubectl),
        "gpu-provisioner": lambda: _log(kubectl, "gpu-provisioner"),
        "workspace-controller": lambda: _log(kubectl, "workspace-controller"),
    }
    return "\n".join(f"--- {title}\n{_output_or_error(read)}" for title, read in parts.items())


def _output_or_error(read: Callable[[], str]) -> str:
    try:
        return read()
    except (CommandFailed, EmulatorError) as error:
        return str(error)


def _log(kubectl: Kubectl, service: str) -> str:
    label = f"app.kubernetes.io/name={service}"
    return kubectl.run("logs", "-n", NAMESPACE, "-l", label, "--prefix", f"--tail={_LINES}")


def _check_log(kubectl: Kubectl) -> str:
    """The checks of the Workspaces in the default namespace."""
    label = "kaito.sh/role=data-check"
    return kubectl.run("logs", "-l", label, "--all-containers", "--prefix", f"--tail={_LINES}")


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_LINES:])
