"""A node that is asked for: one form for Karpenter's Machine and NodeClaim."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, annotations_of, labels_of


@dataclass(frozen=True, slots=True)
class ClaimKind:
    """What the two kinds call the same things."""

    kind: Kind
    launched: str
    registered: str
    initialized: str


MACHINES: Final = ClaimKind(MACHINE, "MachineLaunched", "MachineRegistered", "MachineInitialized")
NODE_CLAIMS: Final = ClaimKind(NODE_CLAIM, "Launched", "Registered", "Initialized")
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
    """A Machine or NodeClaim as it stands; `manifest` is what it was read from."""

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
    manifest: Manifest

    @property
    def workspace(self) -> str:
        namespace = self.labels.get(labels.WORKSPACE_NAMESPACE, "")
        return f"{namespace}/{self.labels.get(labels.WORKSPACE, '')}".strip("/")

    @property
    def is_ours(self) -> bool:
        """Whether this provisioner serves it: it belongs to a Workspace, or names its class."""
        reference = (self.manifest.get("spec") or {}).get("nodeClassRef") or {}
        return labels.WORKSPACE in self.labels or reference.get("kind") == "KaitoNodeClass"

    def since(self, condition: str) -> datetime | None:
        """Since when that condition has been True, or None."""
        for found in (self.manifest.get("status") or {}).get("conditions") or ():
            if found["type"] == condition and found["status"] == "True":
                return parse_time(found["lastTransitionTime"])
        return None


def parse(kind: Kind, manifest: Manifest) -> Claim:
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    deleted = metadata.get("deletionTimestamp")
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
        manifest=manifest,
    )


def _requirement(raw: dict[str, Any]) -> Requirement:
    values = tuple(raw.get("values") or ())
    return Requirement(raw["key"], raw.get("operator", "In"), values, raw.get("minValues"))


def _taints(raw: list[dict[str, str]] | None) -> tuple[Taint, ...]:
    return tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in raw or ())
