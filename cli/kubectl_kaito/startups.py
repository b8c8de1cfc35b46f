"""How long models took to start in a cluster, and how long one will take. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from kaito_kube.kinds import Manifest
from kubectl_kaito import workspace_facts as facts

# By the field of the status, in the order in which they happen.
START_PHASES = (
    ("launch", "launchSeconds"),
    ("join", "registrationSeconds"),
    ("initialize", "initializationSeconds"),
    ("pull", "pullSeconds"),
    ("download", "downloadSeconds"),
    ("load", "loadSeconds"),
    ("warm-up", "warmUpSeconds"),
    ("adapters", "adapterSeconds"),
)
# What depends on the instance type, on the files of the model, and on both.
NODE = ("launch", "join", "initialize")
FILES = ("pull", "download")
LOADING = ("load", "warm-up", "adapters")
# Recorded figures: AKS takes 3 to 8 minutes for a node with GPUs, and its images 1 to 2. Files of
# models came at about 13 seconds for each GiB, unpacking included (27 GiB in 6 minutes), and were
# loaded from local disks at about 3 (15 GB in 48 seconds), after an engine of 20 seconds.
_NODE_SECONDS, _IMAGE_SECONDS, _ENGINE_SECONDS = 330.0, 90.0, 20.0
_FILES_SECONDS_PER_GIB, _LOADING_SECONDS_PER_GIB = 13.0, 3.0
RECORDED = "recorded figures"


@dataclass(frozen=True, slots=True)
class Start:
    """One start that has ended: seconds by phase."""

    model: str
    instance_type: str
    phases: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Phase:
    """Expected seconds, and from what: recorded figures, or starts of this cluster."""

    name: str
    seconds: float
    source: str


def phases_of(startup: Manifest) -> dict[str, float]:
    """Seconds by phase, in the order in which they happen."""
    return {name: startup[field] for name, field in START_PHASES if field in startup}


def starts_of(workspaces: Iterable[Manifest]) -> list[Start]:
    """Those of the pods that serve now and are ready."""
    found = []
    for workspace in workspaces:
        startup = facts.status_of(workspace).get("startup") or {}
        if startup.get("readyTime"):
            model, on = facts.model_of(workspace), facts.instance_type_of(workspace)
            found.append(Start(model or "", (on or "").casefold(), phases_of(startup)))
    return found


def expect(
    model: str, weights_gib: float, instance_type: str, starts: Sequence[Start], *, own_nodes: bool
) -> list[Phase]:
    """The phases of a start, each by the closest starts of the cluster, else as recorded.

    Files are as long as on other new nodes: a node that was there has images already.
    """
    same_type = [start for start in starts if start.instance_type == instance_type.casefold()]
    same_model = [start for start in starts if start.model == model]
    both = [start for start in same_model if start in same_type]
    fresh = [start for start in same_model if "launch" in start.phases]
    node = _phase("node", NODE, (same_type, starts), _NODE_SECONDS)
    files = _phase("files", FILES, (fresh,), _IMAGE_SECONDS + _FILES_SECONDS_PER_GIB * weights_gib)
    loading = _phase(
        "loading", LOADING, (both, same_model),
        _ENGINE_SECONDS + _LOADING_SECONDS_PER_GIB * weights_gib,
    )  # fmt: skip
    return [files, loading] if own_nodes else [node, files, loading]


def _phase(
    name: str, parts: Sequence[str], candidates: Iterable[Sequence[Start]], recorded: float
) -> Phase:
    for starts in candidates:
        sums = [
            sum(start.phases.get(part, 0.0) for part in parts)
            for start in starts
            if any(part in start.phases for part in parts)
        ]
        if sums:
            number = "1 start" if len(sums) == 1 else f"{len(sums)} starts"
            return Phase(name, float(median(sums)), f"{number} in this cluster")
    return Phase(name, recorded, RECORDED)
