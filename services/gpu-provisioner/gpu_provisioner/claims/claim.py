"""A claim for a node: one type for Karpenter's Machine and NodeClaim."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kaito_api import conditions, duration, labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, annotations_of, labels_of


@dataclass(frozen=True, slots=True)
class ClaimKind:
    """The condition types of a kind: a Machine's have the prefix Machine."""

    kind: Kind
    launched: str
    registered: str
    initialized: str
    drifted: str
    drained: str
    instance_terminating: str


def _claim_kind(kind: Kind, prefix: str) -> ClaimKind:
    return ClaimKind(
        kind,
        launched=f"{prefix}Launched",
        registered=f"{prefix}Registered",
        initialized=f"{prefix}Initialized",
        drifted=f"{prefix}Drifted",
        drained=f"{prefix}Drained",
        instance_terminating=f"{prefix}InstanceTerminating",
    )


MACHINES: Final = _claim_kind(MACHINE, "Machine")
NODE_CLAIMS: Final = _claim_kind(NODE_CLAIM, "")
CLAIM_KINDS: Final = {MACHINE: MACHINES, NODE_CLAIM: NODE_CLAIMS}

_NODE_CLASS: Final = "KaitoNodeClass"
# The API server requires a group since karpenter.sh/v1, and no version before.
_NODE_CLASS_GROUPS: Final = ("kaito.sh", "", None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """`min_values` is the minimum number of different values to choose from."""

    key: str
    operator: str
    values: tuple[str, ...]
    min_values: int | None = None


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"

    def manifest(self) -> Manifest:
        return {"key": self.key, "value": self.value, "effect": self.effect}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A Machine or NodeClaim, parsed from `manifest`. `unreadable_fields` describes the fields that
    could not be parsed."""

    kind: ClaimKind
    name: str
    uid: str
    created: datetime
    deleted: datetime | None
    has_finalizer: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    requirements: tuple[Requirement, ...]
    requests: dict[str, str]
    taints: tuple[Taint, ...]
    startup_taints: tuple[Taint, ...]
    expire_after: timedelta | None = None
    termination_grace: timedelta | None = None
    unreadable_fields: tuple[str, ...] = ()
    manifest: Manifest = field(repr=False)

    @property
    def workspace(self) -> str:
        namespace = self.labels.get(labels.WORKSPACE_NAMESPACE, "")
        return f"{namespace}/{self.labels.get(labels.WORKSPACE, '')}".strip("/")

    @property
    def is_managed(self) -> bool:
        return is_managed(self.manifest)

    @property
    def status(self) -> Manifest:
        return self.manifest.get("status") or {}

    @property
    def conditions(self) -> list[Manifest]:
        return self.status.get("conditions") or []

    def condition_since(
        self, type_: str, status: str = "True", reason: str = ""
    ) -> datetime | None:
        """Return since when the condition has that status, or None. An empty reason matches
        every reason."""
        condition = conditions.find(self.conditions, type_)
        if condition is None or condition["status"] != status:
            return None
        if reason not in ("", condition["reason"]):
            return None
        return parse_time(condition["lastTransitionTime"])

    @property
    def node_name(self) -> str:
        """The last node of the claim; empty while no machine has joined."""
        return str(self.status.get("nodeName") or "")


def is_managed(manifest: Manifest) -> bool:
    """Whether this provisioner serves the claim. It writes no other claim, whose finalizer of the
    same name is another controller's.

    A node class names the controller of a NodeClaim. The label of a Workspace does not: Karpenter
    copies it from a NodePool to the claims that it creates for itself. It decides only where there
    is no node class: for Machines, and NodeClaims of the first versions of KAITO.
    """
    reference = (manifest.get("spec") or {}).get("nodeClassRef") or {}
    if kind := reference.get("kind"):
        return kind == _NODE_CLASS and reference.get("group") in _NODE_CLASS_GROUPS
    return labels.WORKSPACE in labels_of(manifest)


def parse(kind: Kind, manifest: Manifest) -> Claim:
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    deleted = metadata.get("deletionTimestamp")
    unreadable_fields: list[str] = []
    return Claim(
        kind=CLAIM_KINDS[kind],
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        created=parse_time(metadata["creationTimestamp"]),
        deleted=parse_time(deleted) if deleted else None,
        has_finalizer=labels.TERMINATION_FINALIZER in (metadata.get("finalizers") or ()),
        labels=labels_of(manifest),
        annotations=annotations_of(manifest),
        requirements=tuple(_requirement(r) for r in spec.get("requirements") or ()),
        requests={
            k: str(v) for k, v in ((spec.get("resources") or {}).get("requests") or {}).items()
        },
        taints=_taints(spec.get("taints")),
        startup_taints=_taints(spec.get("startupTaints")),
        expire_after=_duration(spec, "expireAfter", unreadable_fields.append),
        termination_grace=_duration(spec, "terminationGracePeriod", unreadable_fields.append),
        unreadable_fields=tuple(unreadable_fields),
        manifest=manifest,
    )


def _duration(spec: Manifest, field: str, report: Callable[[str], None]) -> timedelta | None:
    text = spec.get(field)
    if text in (None, "", "Never"):
        return None
    try:
        return duration.parse(str(text))
    except ValueError as error:
        report(f"spec.{field}: {error}")
        return None


def _requirement(raw: dict[str, Any]) -> Requirement:
    values = tuple(raw.get("values") or ())
    return Requirement(raw["key"], raw.get("operator", "In"), values, raw.get("minValues"))


def _taints(raw: list[dict[str, str]] | None) -> tuple[Taint, ...]:
    return tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in raw or ())
