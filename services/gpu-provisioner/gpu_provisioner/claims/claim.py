"""A node that is asked for: one form for Karpenter's Machine and NodeClaim."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kaito_api import conditions, duration, labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, annotations_of, labels_of


@dataclass(frozen=True, slots=True)
class ClaimKind:
    """What the two kinds call the same things."""

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


@dataclass(frozen=True, slots=True)
class Requirement:
    """`min_values` is how many different values there must be to choose from."""

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
    """A Machine or NodeClaim as it stands; `manifest` is what it was read from. `mistakes` are
    fields that cannot be read, in words."""

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
    mistakes: tuple[str, ...] = ()
    manifest: Manifest = field(repr=False)

    @property
    def workspace(self) -> str:
        namespace = self.labels.get(labels.WORKSPACE_NAMESPACE, "")
        return f"{namespace}/{self.labels.get(labels.WORKSPACE, '')}".strip("/")

    @property
    def is_ours(self) -> bool:
        """Whether this provisioner serves it: it belongs to a Workspace, or names its class."""
        reference = (self.manifest.get("spec") or {}).get("nodeClassRef") or {}
        return labels.WORKSPACE in self.labels or reference.get("kind") == "KaitoNodeClass"

    @property
    def status(self) -> Manifest:
        return self.manifest.get("status") or {}

    @property
    def conditions(self) -> list[Manifest]:
        return self.status.get("conditions") or []

    def since(self, condition: str, status: str = "True", reason: str = "") -> datetime | None:
        """Since when that condition has had that status, or None; with a reason given, only
        where it is the present one."""
        found = conditions.find(self.conditions, condition)
        if found is None or found["status"] != status or reason not in ("", found["reason"]):
            return None
        return parse_time(found["lastTransitionTime"])

    @property
    def node_name(self) -> str:
        """The node that was its last; empty where no machine of it has joined yet."""
        return str(self.status.get("nodeName") or "")


def parse(kind: Kind, manifest: Manifest) -> Claim:
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    deleted = metadata.get("deletionTimestamp")
    mistakes: list[str] = []
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
        expire_after=_duration(spec, "expireAfter", mistakes.append),
        termination_grace=_duration(spec, "terminationGracePeriod", mistakes.append),
        mistakes=tuple(mistakes),
        manifest=manifest,
    )


def _duration(spec: Manifest, field: str, complain: Callable[[str], None]) -> timedelta | None:
    text = spec.get(field)
    if text in (None, "", "Never"):
        return None
    try:
        return duration.parse(str(text))
    except ValueError as error:
        complain(f"spec.{field}: {error}")
        return None


def _requirement(raw: dict[str, Any]) -> Requirement:
    values = tuple(raw.get("values") or ())
    return Requirement(raw["key"], raw.get("operator", "In"), values, raw.get("minValues"))


def _taints(raw: list[dict[str, str]] | None) -> tuple[Taint, ...]:
    return tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in raw or ())
