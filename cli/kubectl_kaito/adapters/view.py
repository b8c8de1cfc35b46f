"""The adapters of a Workspace, and what became of each. Pure."""

from pydantic import Field

from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.output import View

# Of an adapter that the pods mount: the kubelet pulls it before they start.
_MOUNTED = "Mounted"
_PENDING = "Pending"


class AdapterView(View):
    name: str = Field(description="The name that requests use as their model.")
    source: str = Field(description="The image, the Workspace or the volume that it comes from.")
    strength: float
    state: str = Field(
        description="Serving, Pending, Rejected; Mounted: it is part of the pods, and does not "
        "change without them."
    )
    image: str | None = Field(description="What answers under the name, by its digest.")
    message: str | None = Field(description="What is wrong, and what to do.")


class AdaptersView(View):
    namespace: str
    name: str
    adapters: list[AdapterView]
    tuned: str | None = Field(description="The adapter that the Workspace has tuned itself.")
    observed: bool = Field(description="Whether the controller has seen the list as it is now.")
    message: str | None = Field(description="What InferenceReady says.")


def adapters_view(workspace: Manifest) -> AdaptersView:
    """Total: the status may be older than the list, and lacks those that the pods mount."""
    key, status = key_of(workspace), facts.status_of(workspace)
    reported = {str(each.get("name")): each for each in status.get("adapters") or ()}
    ready = next((c for c in facts.conditions_of(workspace) if c.type == "InferenceReady"), None)
    seen = status.get("observedGeneration") == workspace["metadata"].get("generation")
    unreported = _MOUNTED if seen and ready is not None and ready.is_true else _PENDING
    tuned = status.get("adapter") or {}
    return AdaptersView(
        namespace=key.namespace,
        name=key.name,
        adapters=[
            _adapter(each, reported.get(name_of(each)), unreported) for each in listed(workspace)
        ],
        tuned=f"{tuned['image']}@{tuned['digest']}" if tuned.get("digest") else None,
        observed=seen,
        message=ready.message if ready is not None else None,
    )


def listed(workspace: Manifest) -> list[Manifest]:
    return list((workspace.get("inference") or {}).get("adapters") or ())


def name_of(adapter: Manifest) -> str:
    return str((adapter.get("source") or {}).get("name") or "")


def _adapter(adapter: Manifest, reported: Manifest | None, unreported: str) -> AdapterView:
    found = reported or {}
    return AdapterView(
        name=name_of(adapter),
        source=_source(adapter.get("source") or {}),
        strength=_strength(adapter.get("strength")),
        state=str(found.get("state") or unreported),
        image=found.get("image"),
        message=found.get("message"),
    )


def _source(source: Manifest) -> str:
    if source.get("workspace"):
        return f"Workspace {source['workspace']}"
    return str(source.get("image") or "a volume")


def _strength(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 1.0
