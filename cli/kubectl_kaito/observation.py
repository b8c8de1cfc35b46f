"""Reads a Workspace and what belongs to it, and goes on without what the user may not read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kaito_api import labels
from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import (
    CORE_EVENT,
    MACHINE,
    NODE_CLAIM,
    POD,
    WORKSPACE,
    Kind,
    Manifest,
    key_of,
    labels_of,
)
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.errors import NotFoundError, NotInstalledError

CLAIM_KINDS = (MACHINE, NODE_CLAIM)


@dataclass(frozen=True, slots=True)
class Observation:
    """One Workspace at one moment. `unread` are kinds that the user may not read."""

    workspace: Manifest
    now: datetime
    claims: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()
    unread: tuple[Kind, ...] = ()
    claim_kinds: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def name(self) -> str:
        name: str = self.workspace["metadata"]["name"]
        return name

    @property
    def namespace(self) -> str:
        namespace: str = self.workspace["metadata"]["namespace"]
        return namespace


def list_workspaces(cluster: Cluster, namespace: str) -> Sequence[Manifest]:
    """All Workspaces of a namespace, or of all if it is empty.

    Raises:
        NotInstalledError: the cluster does not serve Workspaces.
        ClusterError: they could not be listed.
    """
    try:
        return cluster.list(WORKSPACE, namespace=namespace)
    except NotFound:
        raise _not_installed() from None


def list_claims(cluster: Cluster) -> list[Manifest]:
    """The claims of all Workspaces, as far as the user may read them.

    Raises:
        ClusterError: they could not be listed.
    """
    found: list[Manifest] = []
    for kind in CLAIM_KINDS:
        try:
            found += cluster.list(kind)
        except (NotFound, Forbidden):
            continue
    return [claim for claim in found if labels.WORKSPACE in labels_of(claim)]


def read_workspace(cluster: Cluster, name: str, namespace: str) -> Manifest:
    """Raises:
    NotFoundError: there is no such Workspace; names those that there are.
    NotInstalledError: the cluster does not serve Workspaces.
    ClusterError: it could not be read.
    """
    try:
        return cluster.get(WORKSPACE, name, namespace)
    except NotFound:
        others = [key_of(each).name for each in list_workspaces(cluster, namespace)]
    if others:
        hint = f"it has {', '.join(sorted(others)[:5])}"
    else:
        hint = "it has no Workspace; `kubectl kaito status -A` lists those of all namespaces"
    raise NotFoundError(f"namespace {namespace} has no Workspace {name}: {hint}")


def observe(cluster: Cluster, name: str, namespace: str, now: datetime) -> Observation:
    """The Workspace with its claims, pods and events.

    Raises:
        NotFoundError: there is no such Workspace.
        NotInstalledError: the cluster does not serve Workspaces.
        ClusterError: it could not be read.
    """
    workspace = read_workspace(cluster, name, namespace)
    own = {labels.WORKSPACE: name, labels.WORKSPACE_NAMESPACE: namespace}
    unread: list[Kind] = []

    def read(kind: Kind, selector: Mapping[str, str] | None, within: str = "") -> list[Manifest]:
        try:
            return list(cluster.list(kind, namespace=within, labels=selector))
        except NotFound:
            return []
        except Forbidden:
            unread.append(kind)
            return []

    by_kind = {kind: read(kind, own) for kind in CLAIM_KINDS}
    claims = tuple(claim for found in by_kind.values() for claim in found)
    pods = tuple(read(POD, {labels.WORKSPACE: name}, namespace))
    about = {m["metadata"].get("uid") for m in (workspace, *claims, *pods)}
    # Events of cluster-scoped objects are in the namespace default.
    listed = {
        e["metadata"].get("uid"): e
        for within in dict.fromkeys((namespace, "default"))
        for e in read(CORE_EVENT, None, within)
    }
    return Observation(
        workspace=workspace,
        now=now,
        claims=claims,
        pods=pods,
        events=tuple(
            e for e in listed.values() if (e.get("involvedObject") or {}).get("uid") in about
        ),
        unread=tuple(dict.fromkeys(unread)),
        claim_kinds={c["metadata"]["name"]: k for k, found in by_kind.items() for c in found},
    )


def _not_installed() -> NotInstalledError:
    return NotInstalledError(
        "the cluster does not serve Workspaces: Kaito is not installed here, or --context names "
        "another cluster; `kubectl kaito doctor` says which"
    )
