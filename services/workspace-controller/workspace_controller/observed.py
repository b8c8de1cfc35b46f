"""One moment of one Workspace: frozen values that decisions are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from kaito_api.conditions import find
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import NODE_POOL, Key, Kind, Manifest, annotations_of, is_being_deleted
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.refusal import ModelRefusal
from kaito_presets.preset import Preset
from kaito_skus.prices import PriceBook
from kaito_skus.sku import GpuSet, Sku
from workspace_controller.manifests.controller_revision import Revision
from workspace_controller.manifests.metadata import Owner, owner_of
from workspace_controller.settings import Settings


@dataclass(frozen=True, slots=True)
class UserFile:
    """A key of a ConfigMap; `text` is None where the ConfigMap or the key does not exist."""

    namespace: str
    config_map: str
    key: str
    text: str | None


@dataclass(frozen=True, slots=True)
class SecretFact:
    """The keys of a Secret, without its values; `keys` is None where it does not exist."""

    name: str
    keys: frozenset[str] | None

    @property
    def missing(self) -> bool:
        return self.keys is None


@dataclass(frozen=True, slots=True)
class VolumeClaimFact:
    """Whether a PersistentVolumeClaim exists, and which access it allows.

    It may be bound later, on the node of its pod.
    """

    name: str
    exists: bool
    access_modes: frozenset[str] = frozenset()


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
        """Whether a NodePool created it, and replaces it when it is deleted."""
        owners = self.manifest["metadata"].get("ownerReferences") or ()
        return any(owner.get("kind") == NODE_POOL.kind for owner in owners)

    @property
    def replicas(self) -> int:
        """The fixed number of nodes of a NodePool; 0 for a Machine or NodeClaim."""
        return (self.manifest.get("spec") or {}).get("replicas") or 0


@dataclass(frozen=True, slots=True)
class AdoptedWorkload:
    """What serves the model since before the upgrade from KAITO, whose controller created it."""

    kind: Kind
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The loss of a run got worse, as noticed at `step`."""

    step: int
    loss: float
    lowest_loss: float
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRun:
    """What TuningService reports; None where it does not know.

    `total_steps` is 0 before the training. `lost_rows` counts dropped and cut rows by cause.
    """

    state: str
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    learning_rate: float | None = None
    eval_loss: float | None = None
    eval_step: int | None = None
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None
    resumed_step: int | None = None
    checkpoint_step: int | None = None
    checkpoint_time: datetime | None = None
    divergence: Divergence | None = None
    dropped_rows: int | None = None
    cut_rows: int | None = None
    peak_gpu_memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectedAdapter:
    """An adapter that a model-server serves without, and why it did not load."""

    name: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a model-server measured before its first request.

    Tokens a second of one answer alone, and of several at once, all together. The memory is None
    where the engine does not tell.
    """

    engine: str
    tokens_per_second: float
    peak_tokens_per_second: float
    concurrent_answers: int
    peak_memory_bytes: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ModelStart:
    """How a model-server started its model: the seconds of its phases, by its own names."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    measurement: Measurement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDownload:
    """How far the download of a model into a pod is.

    `total_bytes` is 0 before the hub has said it. `problem` is why the last attempt failed, while
    the next one goes on.
    """

    done_bytes: int
    total_bytes: int
    remaining_seconds: float | None = None
    problem: str = ""

    @property
    def has_rest(self) -> bool:
        return self.remaining_seconds is not None and self.done_bytes < self.total_bytes


class PulledState(Enum):
    """Where an adapter is that a pod pulls."""

    PENDING = "pending"
    SERVING = "serving"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAdapter:
    """What became of an adapter in one pod. `image` is what answers under the name, by digest.

    `unverified`: it is rejected for its signature. `signed_by` is the fingerprint of the image's
    key, if one was demanded.
    """

    name: str
    state: PulledState
    image: str = ""
    cause: str = ""
    unverified: bool = False
    signed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullingPod:
    """A pod that pulls adapters, and what it says of them.

    `revision` is that of the list that it was given, empty before the first, and None where the pod
    did not answer.
    """

    name: str
    address: str
    ready: bool
    revision: str | None = None
    adapters: tuple[PodAdapter, ...] = ()


@dataclass(frozen=True, slots=True)
class OngoingUpdate:
    """A Workspace that is being updated to a new configuration of the release.

    `failed`: its new pod does not become ready, and its status says why.
    """

    workspace: Key
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingWorkspace:
    """Another Workspace of the namespace.

    `nodes_price` is what its nodes cost an hour, with those that are being requested or deleted,
    and `missing_price` what those that it waits for would; it has `nodes` of them. An
    instance type whose price nobody knows counts nothing.
    """

    name: str
    created: str
    uid: str
    nodes: int = 0
    nodes_price: Decimal = Decimal(0)
    missing_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Budget:
    """What the Workspaces of a namespace may cost an hour, by the field of the Namespace that says
    so, in its words; and who else spends from it."""

    limits: Mapping[str, str]
    others: tuple[SpendingWorkspace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A write of this pass that the API server refused, or that would change a foreign object."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A Workspace that is not in the store.

    `claims` are those that carry its labels and are not being deleted. `workspace` is set where
    the API server still has it.
    """

    claims: tuple[Claim, ...] = ()
    workspace: Manifest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that a decision about one Workspace depends on.

    `spec` is None where the manifest does not match the schema; `spec_problem` says why.
    `preset` is of the catalog, or that of `hub_model`, which the hub or the status describes.
    `hub_refusal` is why the hub does not give the model that the Workspace names.
    `sku` is None where the instance type is unknown or not set, and `gpus` are those of one node.
    `allocatable_gpus` are those of the node with the fewest, by resource; empty where no node
    advertises any.
    `available_skus` are the instance types that a message can suggest.
    `data_check` is the Job that checks the data, `job` the one that trains.
    `orphaned_claims` belong to an earlier Workspace of the same name.
    `storage_classes` are those of the cluster; empty where none is to be chosen.
    `nodes` match the selector or were created for this Workspace; `reserved_nodes` are the names
    of those that other Workspaces use. `unserved_kinds` are kinds of claims whose CRD the cluster
    does not have. `pods` are all pods of this Workspace, whichever object created them.
    `adopted_workload` and `adopted_job` are KAITO's; they have no revision, and are not replaced.
    `secrets` and `volume_claims` are by the field that refers to them.
    `forbidden_pods` say, by the uid of a Job or StatefulSet that lacks pods, why the API server
    does not let it create one.
    `rejected_adapters` are mounted ones, of all serving pods; None where none was asked, or none
    answered. `pulling_pods` are those that pull adapters while they run.
    `tuned_workspaces` are those that adapters come from, None where one does not exist; in `spec`,
    their images stand in place of their names. `adapter_problems` say, by the adapter's name, why
    one has no newer image.
    `download` is that of the pod which has the least of its model; None where none is asked, or
    none answered.
    `other_update` is that of another Workspace, which has to end first.
    `model_start` is that of the pod whose start is to be recorded; None where there is none, or it
    has not answered.
    `revisions` are the recorded configurations of the workload; None where nothing depends on them.
    `prices` are those of machines, and `budget` is the namespace's; None where it has none.
    `namespace_labels` are those of the Namespace that the plan depends on.
    `refusal` is set when the decision is repeated after a refused write.
    """

    workspace: Manifest
    settings: Settings
    now: datetime
    spec: WorkspaceSpec | None = None
    spec_problem: str = ""
    preset: Preset | None = None
    closest_preset: str | None = None
    hub_model: HubModel | None = None
    hub_refusal: ModelRefusal | None = None
    sku: Sku | None = None
    closest_skus: tuple[str, ...] = ()
    gpus: GpuSet | None = None
    allocatable_gpus: Mapping[str, int] = field(default_factory=dict)
    available_skus: tuple[Sku, ...] = ()
    claims: tuple[Claim, ...] = ()
    orphaned_claims: tuple[Claim, ...] = ()
    nodes: tuple[Manifest, ...] = ()
    reserved_nodes: frozenset[str] = frozenset()
    unserved_kinds: frozenset[Kind] = frozenset()
    pods: tuple[Manifest, ...] = ()
    data_check: Manifest | None = None
    job: Manifest | None = None
    deployment: Manifest | None = None
    stateful_set: Manifest | None = None
    adopted_workload: AdoptedWorkload | None = None
    adopted_job: Manifest | None = None
    services: Mapping[str, Manifest] = field(default_factory=dict)
    network_policy: Manifest | None = None
    tuning_policy: Manifest | None = None
    file: UserFile | None = None
    secrets: Mapping[str, SecretFact] = field(default_factory=dict)
    volume_claims: Mapping[str, VolumeClaimFact] = field(default_factory=dict)
    storage_classes: tuple[Manifest, ...] = ()
    run: TuningRun | None = None
    forbidden_pods: Mapping[str, str] = field(default_factory=dict)
    rejected_adapters: tuple[RejectedAdapter, ...] | None = None
    download: ModelDownload | None = None
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    pulling_pods: tuple[PullingPod, ...] = ()
    tuned_workspaces: Mapping[str, Manifest | None] = field(default_factory=dict)
    adapter_problems: Mapping[str, str] = field(default_factory=dict)
    other_update: OngoingUpdate | None = None
    model_start: ModelStart | None = None
    revisions: tuple[Revision, ...] | None = None
    prices: PriceBook = field(default_factory=PriceBook)
    budget: Budget | None = None
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
        """What serves the model."""
        adopted = self.adopted_workload
        own = self.deployment or self.stateful_set
        return own or (adopted.manifest if adopted is not None else None)

    @property
    def started(self) -> bool:
        """Whether anything that costs money exists already: then no check stops it."""
        return bool(self.claims or self.job or self.adopted_job or self.workload)

    def condition(self, type_: str) -> Manifest:
        """The condition in the current status; empty where there is none."""
        return dict(find(self.status.get("conditions") or (), type_) or {})
