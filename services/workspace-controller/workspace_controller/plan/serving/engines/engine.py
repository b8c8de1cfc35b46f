"""Which engine serves the model of a Workspace."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest
from kaito_presets import engine as engines
from kaito_presets.preset import Runtime
from kaito_skus.sku import Vendor
from workspace_controller.gpu_resources import RESOURCES
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.manifests.serving_containers import MODEL_SERVER
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import gpu_limits, pod_gpus
from workspace_controller.plan.serving.engines.own_engine import is_own_engine


def engine(observed: Observed, spec: WorkspaceSpec) -> Runtime:
    """What the annotation names, or else the release's choice.

    Its choice `auto` is vLLM where the model's pods have GPUs that it runs on.
    """
    runs = bool(gpu_limits(observed, spec)) and vllm_obstacle(observed, spec) is None
    named, release = observed.annotations.get(labels.RUNTIME), observed.settings.engine
    return engines.choose_engine(named, release, runs_vllm=runs)


def serving_engine(observed: Observed, spec: WorkspaceSpec) -> Runtime | None:
    """What serves now, by the workload: another engine may wait for its turn.

    None for a workload that was not made here.
    """
    if observed.workload is None:
        return engine(observed, spec)
    pod = observed.workload["spec"].get("template", {}).get("spec") or {}
    if _has(pod, "initContainers", ENGINE):
        return Runtime.VLLM
    return Runtime.TRANSFORMERS if _has(pod, "containers", MODEL_SERVER) else None


def _has(pod: Manifest, kind: str, name: str) -> bool:
    return any(each.get("name") == name for each in pod.get(kind) or ())


def annotation_problem(observed: Observed, spec: WorkspaceSpec) -> str | None:
    """Why the engine that the annotation names cannot serve this model; None if it can."""
    named, preset = observed.annotations.get(labels.RUNTIME), observed.preset
    if named is None:
        return None
    known = " or ".join(engines.ENGINES)
    if is_own_engine(named):
        return (
            f"{named!r} serves the pods of an inference.template, and not a preset: set {known}, "
            "or remove the annotation"
        )
    if named not in engines.ENGINES:
        return f"{named!r} is not an engine: set {known}, or remove the annotation"
    if named == Runtime.VLLM and (obstacle := vllm_obstacle(observed, spec)) is not None:
        return f"{named!r}, but {obstacle}: set transformers, or remove the annotation"
    if preset is not None and named not in preset.runtimes:
        others = " or ".join(preset.runtimes)
        return f"{named!r} cannot serve {preset.name}: set {others}, or remove the annotation"
    return None


def vllm_obstacle(observed: Observed, spec: WorkspaceSpec) -> str | None:
    """Why vLLM cannot serve this model on these nodes; None if it can."""
    if obstacle := engines.vllm_obstacle(observed.preset, pod_gpus(observed, spec)):
        return obstacle
    limits = gpu_limits(observed, spec)
    # Before there is a node, nothing may be known about its GPUs.
    if not limits and (observed.gpus is not None or observed.nodes):
        return "the nodes have no GPUs, and vLLM needs them"
    foreign = (name for vendor, name in RESOURCES.items() if vendor is not Vendor.NVIDIA)
    if any(name in limits for name in foreign):
        return "the nodes' GPUs are not NVIDIA's, which vLLM's image needs"
    return None
