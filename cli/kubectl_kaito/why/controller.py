"""Whether workspace-controller works at all. Pure."""

from dataclasses import dataclass
from datetime import datetime

from kaito_kube.kinds import DEPLOYMENT, LEASE, key_of
from kubectl_kaito.release import Release


@dataclass(frozen=True, slots=True)
class ControllerTrouble:
    cause: str
    commands: list[str]


def controller_trouble(release: Release, now: datetime) -> ControllerTrouble | None:
    """Why no Workspace is looked at; None where the controller works, or it is not known."""
    if DEPLOYMENT in release.unread:
        return None
    if release.controller is None:
        return ControllerTrouble(
            "workspace-controller is not installed in this cluster, so nothing acts on Workspaces",
            ["helm list -A", "kubectl kaito doctor"],
        )
    key = key_of(release.controller)
    pods = f"kubectl -n {key.namespace} get pods -o wide"
    logs = f"kubectl -n {key.namespace} logs deploy/{key.name} --prefix --tail=50"
    if release.available(release.controller) == 0:
        return ControllerTrouble(
            f"workspace-controller has no running pod (Deployment {key})", [pods, logs]
        )
    if LEASE not in release.unread and not release.has_leader(now):
        return ControllerTrouble(
            f"no replica of workspace-controller leads (Lease {key}), so nothing acts on "
            "Workspaces",
            [logs, f"kubectl -n {key.namespace} get lease -o yaml"],
        )
    return None
