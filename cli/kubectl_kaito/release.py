"""The installed release, as far as the cluster shows it: who leads, and with which settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kaito_api.conditions import parse_time
from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import DEPLOYMENT, LEASE, Kind, Manifest, key_of, labels_of
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.offers import DEFAULT_MAX_MODEL_NODES

_PART_OF = {"app.kubernetes.io/part-of": "kaito"}
# A leader renews its Lease every few seconds, and is replaced after fifteen.
_STALE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`unread` are kinds that the user may not read: what they would show is not known."""

    controller: Manifest | None = None
    provisioner: Manifest | None = None
    lease: Manifest | None = None
    unread: tuple[Kind, ...] = ()

    @property
    def namespace(self) -> str:
        return key_of(self.controller).namespace if self.controller is not None else ""

    def setting(self, name: str) -> str | None:
        """An environment variable of workspace-controller; None where it is not known."""
        return _variables(self.controller).get(name)

    def provisioner_setting(self, name: str) -> str | None:
        return _variables(self.provisioner).get(name)

    @property
    def region(self) -> str | None:
        return self.provisioner_setting("KAITO_AZURE_LOCATION")

    @property
    def node_provisioner(self) -> str | None:
        return self.setting("KAITO_NODE_PROVISIONER")

    @property
    def max_model_nodes(self) -> int:
        text = self.setting("KAITO_MAX_MODEL_NODES") or ""
        return int(text) if text.isdecimal() and int(text) > 0 else DEFAULT_MAX_MODEL_NODES

    @property
    def engine(self) -> str:
        return self.setting("KAITO_ENGINE") or "auto"

    def available(self, deployment: Manifest | None) -> int:
        status = (deployment or {}).get("status") or {}
        return int(status.get("availableReplicas") or 0)

    def has_leader(self, now: datetime) -> bool:
        spec = (self.lease or {}).get("spec") or {}
        try:
            renewed = parse_time(str(spec.get("renewTime")))
        except ValueError:
            return False
        return bool(spec.get("holderIdentity")) and now - renewed < _STALE


def observe_release(cluster: Cluster) -> Release:
    """What can be read of it; a user without rights in its namespace learns nothing.

    Raises:
        ClusterError: the cluster does not answer.
    """
    unread: list[Kind] = []
    try:
        deployments = cluster.list(DEPLOYMENT, labels=_PART_OF)
    except Forbidden:
        return Release(unread=(DEPLOYMENT,))
    controller = _of_chart(deployments, "workspace-controller")
    lease = None
    if controller is not None:
        name = _variables(controller).get("KAITO_LEASE_NAME") or key_of(controller).name
        try:
            lease = cluster.get(LEASE, name, key_of(controller).namespace)
        except NotFound:
            pass
        except Forbidden:
            unread.append(LEASE)
    return Release(
        controller=controller,
        provisioner=_of_chart(deployments, "gpu-provisioner"),
        lease=lease,
        unread=tuple(unread),
    )


def _of_chart(deployments: Sequence[Manifest], chart: str) -> Manifest | None:
    """Whatever a release and its objects are called, the chart's name stays."""
    for deployment in deployments:
        if labels_of(deployment).get("helm.sh/chart", "").startswith(f"{chart}-"):
            return dict(deployment)
    return None


def _variables(deployment: Manifest | None) -> Mapping[str, str]:
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    return {
        str(variable.get("name")): str(variable["value"])
        for container in containers
        for variable in container.get("env") or ()
        if "value" in variable
    }
