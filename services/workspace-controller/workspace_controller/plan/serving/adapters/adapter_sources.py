"""Adapters that other Workspaces tune: what source.workspace stands for at this moment."""

from dataclasses import dataclass, replace

from kaito_api.workspace import Adapter, WorkspaceSpec
from workspace_controller.manifests.mounted_adapters import mounted_images
from workspace_controller.observed import Observed
from workspace_controller.plan.spec import parse_spec
from workspace_controller.plan.tuning.adapter import TunedAdapter


def named_workspaces(spec: WorkspaceSpec | None) -> frozenset[str]:
    """The names of the Workspaces whose adapters this one serves; they are in its namespace."""
    inference = spec.inference if spec is not None else None
    sources = [adapter.source for adapter in inference.adapters] if inference is not None else []
    return frozenset(source.workspace for source in sources if source.workspace)


def with_adapter_sources(observed: Observed) -> Observed:
    """The same with an image in place of each source.workspace.

    An adapter without an image is left out, and `adapter_problems` says why. One that is tuned
    again keeps the image that answers until the new one is there.
    """
    spec = observed.spec
    if spec is None or spec.inference is None or not named_workspaces(spec):
        return observed
    adapters, problems = list[Adapter](), dict[str, str]()
    for adapter in spec.inference.adapters:
        name, source = adapter.source.name or "", adapter.source.workspace
        if not source:
            adapters.append(adapter)
            continue
        tuned = _tuned(observed, source)
        image = tuned.image or _answering(observed, name)
        if tuned.problem and not (image and tuned.runs):
            problems[name] = tuned.problem
        if image:
            secrets = adapter.source.image_pull_secrets or list(
                tuned.pull_secrets or _mounted_secrets(observed, name)
            )
            update = {
                "workspace": None,
                "image": image,
                "image_pull_secrets": secrets,
                "ca_config_map": adapter.source.ca_config_map or tuned.ca_config_map or None,
            }
            resolved = adapter.source.model_copy(update=update)
            adapters.append(adapter.model_copy(update={"source": resolved}))
    inference = spec.inference.model_copy(update={"adapters": adapters})
    resolved_spec = spec.model_copy(update={"inference": inference})
    return replace(observed, spec=resolved_spec, adapter_problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuned:
    """The newest image of a Workspace by digest, or why there is none. `runs`: it will have one."""

    image: str = ""
    pull_secrets: tuple[str, ...] = ()
    ca_config_map: str = ""
    problem: str = ""
    runs: bool = False


def _tuned(observed: Observed, name: str) -> _Tuned:
    workspace = f"Workspace {observed.owner.namespace}/{name}"
    manifest = observed.tuned_workspaces.get(name)
    if manifest is None:
        problem = f"{workspace} does not exist: create it, or correct source.workspace"
        return _Tuned(problem=problem)
    spec, _ = parse_spec(manifest)
    if spec is None or spec.tuning is None:
        return _Tuned(problem=f"{workspace} tunes no model: name one that has tuning")
    output = spec.tuning.output
    if output.volume_source is not None:
        problem = f"{workspace} pushes no image: name its volume in source.volumeSource instead"
        return _Tuned(problem=problem)
    # The secret that pushed the image also pulls it.
    secrets = (output.image_push_secret,) if output.image_push_secret else ()
    status = manifest.get("status") or {}
    recorded = status.get("adapter") or {}
    if not recorded.get("image"):
        state = status.get("state") or "Pending"
        problem = f"{workspace} has not tuned its adapter yet; its state is {state}"
        return _Tuned(pull_secrets=secrets, problem=problem, runs=True)
    found = TunedAdapter(recorded["image"], recorded.get("digest", ""), "")
    authority = output.ca_config_map or ""
    return _Tuned(image=found.reference, pull_secrets=secrets, ca_config_map=authority)


def _answering(observed: Observed, name: str) -> str:
    """The image that answers under this name, by the status or the pods; empty if none does."""
    for entry in observed.status.get("adapters") or ():
        if entry.get("name") == name and entry.get("image"):
            return str(entry["image"])
    return mounted_images(observed.workload).get(name, "")


def _mounted_secrets(observed: Observed, name: str) -> tuple[str, ...]:
    """What the kubelet pulls a mounted adapter with: its Workspace, which named it, is gone."""
    if name not in mounted_images(observed.workload):
        return ()
    assert observed.workload is not None
    pod = observed.workload["spec"]["template"]["spec"]
    return tuple(each["name"] for each in pod.get("imagePullSecrets") or ())
