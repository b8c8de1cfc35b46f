"""Which adapters a Workspace has, where their images are, and what opens their registries. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito import workspace_facts as facts

_TUNED = "tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAdapter:
    """One adapter. `image` is a reference, by digest where it is known; empty if there is none.

    `key_secrets` are Secrets that may hold the public key that its signature is verified with, and
    `signed_by` is the fingerprint of the key that the pods have verified themselves.
    """

    name: str
    origin: str
    image: str = ""
    pull_secrets: tuple[str, ...] = ()
    ca_config_map: str = ""
    key_secrets: tuple[str, ...] = ()
    signed_by: str = ""
    problem: str = ""


def named_workspaces(workspace: Manifest) -> tuple[str, ...]:
    """The Workspaces whose adapters this one serves; they are in its namespace."""
    return tuple(source["workspace"] for source in _sources(workspace) if source.get("workspace"))


def served_adapters(
    workspace: Manifest, tuning_workspaces: Mapping[str, Manifest]
) -> list[ServedAdapter]:
    """Those that it lists, and the one that it has tuned itself."""
    reported = {
        str(each.get("name")): each for each in facts.status_of(workspace).get("adapters") or ()
    }
    own = [_tuned(workspace, _TUNED)] if workspace.get("tuning") else []
    listed = [
        _listed(source, reported.get(str(source.get("name"))) or {}, tuning_workspaces)
        for source in _sources(workspace)
    ]
    return own + listed


def _listed(
    source: Manifest, reported: Manifest, tuning_workspaces: Mapping[str, Manifest]
) -> ServedAdapter:
    name = str(source.get("name") or "")
    answering = str(reported.get("image") or "")
    found = ServedAdapter(
        name=name,
        origin="a volume of the pods",
        problem="it comes from a volume and not from an image, so nothing is known of it",
    )
    if tuner := source.get("workspace"):
        found = _of_workspace(name, str(tuner), tuning_workspaces.get(str(tuner)))
    elif source.get("image"):
        found = ServedAdapter(name=name, origin=source["image"], image=source["image"])
    demanded = source.get("verificationSecret")
    return replace(
        found,
        image=answering or found.image,
        pull_secrets=tuple(source.get("imagePullSecrets") or found.pull_secrets),
        ca_config_map=source.get("caConfigMap") or found.ca_config_map,
        # Where the Workspace demands a signature, no other key counts.
        key_secrets=(demanded,) if demanded else found.key_secrets,
        signed_by=str(reported.get("signedBy") or ""),
        problem="" if answering else found.problem,
    )


def _of_workspace(name: str, tuner: str, manifest: Manifest | None) -> ServedAdapter:
    if manifest is not None and manifest.get("tuning"):
        return _tuned(manifest, name)
    why = "does not exist" if manifest is None else "tunes no model"
    return ServedAdapter(
        name=name,
        origin=f"Workspace {tuner}",
        problem=f"Workspace {tuner} {why}: correct source.workspace",
    )


def _tuned(workspace: Manifest, name: str) -> ServedAdapter:
    """What a Workspace that tunes has pushed. The Secret that pushed it also pulls it."""
    output = (workspace.get("tuning") or {}).get("output") or {}
    pushed = facts.status_of(workspace).get("adapter") or {}
    image, digest = str(pushed.get("image") or ""), str(pushed.get("digest") or "")
    key, state = key_of(workspace), facts.status_of(workspace).get("state") or "Pending"
    problem = "" if image else f"Workspace {key} has pushed no adapter yet; its state is {state}"
    if not image and output.get("volumeSource"):
        problem = "it is written to a volume and not to an image, so nothing is known of it"
    push, signing = output.get("imagePushSecret"), output.get("signingSecret")
    return ServedAdapter(
        name=name,
        origin=f"Workspace {key.name}",
        image=f"{image}@{digest}" if image and digest and "@" not in image else image,
        pull_secrets=(push,) if push else (),
        ca_config_map=output.get("caConfigMap") or "",
        key_secrets=(signing,) if signing else (),
        problem=problem,
    )


def _sources(workspace: Manifest) -> Sequence[Manifest]:
    listed = (workspace.get("inference") or {}).get("adapters") or ()
    return [each.get("source") or {} for each in listed]
