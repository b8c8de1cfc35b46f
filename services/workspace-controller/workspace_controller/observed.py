"""One moment of one Workspace: everything that is decided from. Frozen values, no behaviour
beyond reading them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kaito_api.conditions import find
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import NODE_POOL, Kind, Manifest, annotations_of, is_being_deleted
from kaito_presets.preset import Preset
from kaito_skus.sku import GpuSet, Sku
from workspace_controller.manifests.metadata import Owner, owner_of
from workspace_controller.settings import Settings


@dataclass(frozen=True, slots=True)
class UserFile:
    """A key of a ConfigMap that is read; `text` is None where either is missing."""

    namespace: str
    config_map: str
    key: str
    text: str | None


@dataclass(frozen=True, slots=True)
class SecretFact:
    """What is known of a Secret without keeping its content."""

    name: str
    keys: frozenset[str] | None

    @property
    def missing(self) -> bool:
        return self.keys is None


@dataclass(frozen=True, slots=True)
class Claim:
    """A Machine, NodeClaim or NodePool of this Workspace."""

    kind: Kind
    manifest: Manifest

    @property
    def name(self) -> str:
        name: str = self.manifest["metadata"]["name"]
        return name

    @property
    def deleting(self) -> bool:
        return is_being_deleted(self.manifest)

    @property
    def from_pool(self) -> bool:
        """Whether a NodePool made it, which makes another when it goes."""
        owners = self.manifest["metadata"].get("ownerReferences") or ()
        return any(owner.get("kind") == NODE_POOL.kind for owner in owners)

    @property
    def replicas(self) -> int:
        """Of a NodePool, its fixed number of nodes."""
        return (self.manifest.get("spec") or {}).get("replicas") or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRun:
    """What the run said of itself last. `state` is TuningService's, `eta_seconds` None while it
    cannot be told."""

    state: str
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None
    checkpoint_step: int | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The API server refused a write of the last pass: what, and why in its words."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """What is there of a Workspace that the store does not know: its claims, and the Workspace
    itself where the API server still has it."""

    claims: tuple[Claim, ...] = ()
    workspace: Manifest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """`spec` is None where the manifest fits no schema, and `spec_problem` says why.

    `strangers` are claims that a Workspace of the same name left when it went.
    `nodes` are those that match the selector or were made for this Workspace; `held` the names
    of those that other Workspaces use. `unknown_kinds` are kinds of claims that the cluster does
    not have. `pods` are all of this Workspace's, by whatever made them.
    `sku` is None where the instance type is unknown or not given; `gpus` is what one node has.
    """

    workspace: Manifest
    settings: Settings
    now: datetime
    spec: WorkspaceSpec | None = None
    spec_problem: str = ""
    preset: Preset | None = None
    closest_preset: str | None = None
    sku: Sku | None = None
    closest_skus: tuple[str, ...] = ()
    gpus: GpuSet | None = None
    available_skus: tuple[Sku, ...] = ()
    claims: tuple[Claim, ...] = ()
    orphaned_claims: tuple[Claim, ...] = ()
    nodes: tuple[Manifest, ...] = ()
    reserved_nodes: frozenset[str] = frozenset()
    unserved_kinds: frozenset[Kind] = frozenset()
    pods: tuple[Manifest, ...] = ()
    job: Manifest | None = None
    deployment: Manifest | None = None
    stateful_set: Manifest | None = None
    services: Mapping[str, Manifest] = field(default_factory=dict)
    file: UserFile | None = None
    secrets: Mapping[str, SecretFact] = field(default_factory=dict)
    run: TuningRun | None = None
    refusal: Refusal | None = None

    @property
    def owner(self) -> Owner:
        return owner_of(self.workspace)

    @property
    def status(self) -> Manifest:
        return self.workspace.get("status") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return annotations_of(self.workspace)

    @property
    def deleting(self) -> bool:
        return is_being_deleted(self.workspace)

    @property
    def workload(self) -> Manifest | None:
        return self.deployment or self.stateful_set

    @property
    def started(self) -> bool:
        """Whether anything was made already that costs: then no check stops it any more."""
        return bool(self.claims or self.job or self.workload)

    def condition(self, type_: str) -> Manifest:
        """A condition as the status has it now; empty where it has none."""
        return dict(find(self.status.get("conditions") or (), type_) or {})
