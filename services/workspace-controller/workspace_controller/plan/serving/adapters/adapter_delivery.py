"""How adapters get into the pods: whether the pods pull them, or the kubelet mounts them.

The Workspace does not decide it alone, so a workload records what it was decided by. Whether its
user has changed anything since is then judged by that, and not by what the operator sets now.
"""

from dataclasses import dataclass, replace

from kaito_api import labels
from kaito_api.workspace import Inference, WorkspaceSpec
from kaito_kube.kinds import Manifest, annotations_of
from kaito_presets.preset import Runtime
from workspace_controller.manifests.mounted_adapters import mounted_images
from workspace_controller.observed import Observed
from workspace_controller.plan.serving.engines.engine import engine, serving_engine
from workspace_controller.plan.serving.workload_state import replicas_of
from workspace_controller.plan.sizing import user_config
from workspace_controller.settings import AdapterDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decides besides the Workspace: the operator's setting, the engine, and the nodes."""

    setting: AdapterDelivery
    engine: Runtime
    nodes: int


def circumstances(observed: Observed, spec: WorkspaceSpec, nodes: int) -> Circumstances:
    """Those of now. Without the key of the administration, pods cannot be given a list."""
    settings = observed.settings
    setting = settings.adapter_delivery if settings.administration_key else AdapterDelivery.MOUNT
    return Circumstances(setting=setting, engine=engine(observed, spec), nodes=nodes)


def earlier_circumstances(
    observed: Observed, spec: WorkspaceSpec, now: Circumstances
) -> tuple[Circumstances, ...]:
    """Those that the present workload was made under: all that may be, where it records none."""
    present = observed.workload
    if present is None:
        return ()
    made = replace(
        now,
        engine=serving_engine(observed, spec) or now.engine,
        nodes=replicas_of(present) or now.nodes,
    )
    recorded = recorded_setting(present)
    settings = (recorded,) if recorded is not None else tuple(AdapterDelivery)
    return tuple(replace(made, setting=setting) for setting in settings)


def recorded_setting(workload: Manifest) -> AdapterDelivery | None:
    """The setting that a workload was made under; None for one of an earlier release."""
    found = annotations_of(workload).get(labels.ADAPTER_DELIVERY)
    return AdapterDelivery(found) if found in tuple(AdapterDelivery) else None


def pulls_adapters(observed: Observed, spec: WorkspaceSpec, given: Circumstances) -> bool:
    """Whether the pods pull adapters while they run; otherwise adapters are mounted.

    The pods of a model that spans nodes each need the files at the same path. vLLM reserves memory
    for adapters when it starts, so it is only started for them where there is one.
    """
    inference = spec.inference
    if inference is None or inference.template is not None or given.nodes > 1:
        return False
    if given.setting is AdapterDelivery.MOUNT:
        return False
    if given.setting is AdapterDelivery.AUTO and not (
        verified_adapters(spec) or _name_secrets(observed, inference)
    ):
        return False
    return given.engine is not Runtime.VLLM or _loads_adapters(observed, spec)


def verified_adapters(spec: WorkspaceSpec) -> tuple[str, ...]:
    """The names of the adapters that must be signed. Only a pod that pulls verifies them."""
    adapters = spec.inference.adapters if spec.inference is not None else ()
    return tuple(each.source.name or "" for each in adapters if each.source.verification_secret)


def _name_secrets(observed: Observed, inference: Inference) -> bool:
    """Whether each image of an adapter names a Secret to pull it with.

    One whose Workspace is gone has lost its Secret with it, but pods that do not mount it have
    pulled it already.
    """
    pulled = observed.adapter_problems.keys() - mounted_images(observed.workload).keys()
    return all(
        adapter.source.image_pull_secrets or adapter.source.name in pulled
        for adapter in inference.adapters
        if adapter.source.image
    )


def _loads_adapters(observed: Observed, spec: WorkspaceSpec) -> bool:
    """Whether vLLM is started so that it can load adapters."""
    inference = spec.inference
    listed = inference is not None and bool(inference.adapters or observed.adapter_problems)
    return listed or user_config(observed, spec).options.get("enable-lora") is True
