"""How many nodes a Workspace needs, from what was observed. `kaito_presets.sizing` decides."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_presets.estimate import TRANSFORMERS_UTILIZATION, UTILIZATION
from kaito_presets.preset import Runtime
from kaito_presets.sizing import Sizing, SizingFailure, SizingInputs, size
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import pod_gpus
from workspace_controller.plan.serving.engines import inference_config
from workspace_controller.plan.serving.engines.engine import engine
from workspace_controller.plan.serving.engines.inference_config import InferenceConfig
from workspace_controller.plan.spec import serves_tuned_model
from workspace_controller.plan.tuning import training_config


def sizing(observed: Observed, spec: WorkspaceSpec) -> Sizing | SizingFailure:
    """The number of nodes, or why the model does not fit the instance type."""
    return size(spec, _inputs(observed, spec))


def context_tokens(observed: Observed, spec: WorkspaceSpec) -> int:
    """The context length of the user's inference_config.yaml; 0 where it does not set one."""
    return user_config(observed, spec).max_model_len


def user_config(observed: Observed, spec: WorkspaceSpec) -> InferenceConfig:
    """The user's inference_config.yaml; empty where there is none."""
    if spec.inference is None or observed.file is None or observed.file.text is None:
        return InferenceConfig()
    return inference_config.parse(observed.file.text)


def _inputs(observed: Observed, spec: WorkspaceSpec) -> SizingInputs | None:
    preset, gpus = observed.preset, pod_gpus(observed, spec)
    if preset is None or gpus is None or labels.BYPASS_RESOURCE_CHECKS in observed.annotations:
        return None
    return SizingInputs(
        preset=preset,
        gpus=gpus,
        available_skus=observed.available_skus,
        context_tokens=context_tokens(observed, spec),
        max_nodes=observed.settings.max_model_nodes,
        serves=serves_tuned_model(observed),
        engine=engine(observed, spec),
        utilization=_utilization(observed, spec),
        quantized=_quantized(observed, spec),
    )


def _quantized(observed: Observed, spec: WorkspaceSpec) -> bool:
    """Whether the training_config.yaml quantizes the base model. Without one, the default does."""
    if spec.tuning is None:
        return False
    text = observed.file.text if observed.file is not None else None
    return text is None or training_config.is_quantized(text)


def _utilization(observed: Observed, spec: WorkspaceSpec) -> float:
    """The share of a GPU's memory that is planned with.

    The user may give vLLM another one. A smaller one has to be planned with; a larger one is a
    reserve, because the estimate leaves out what CUDA graphs and activations take.
    """
    if engine(observed, spec) is not Runtime.VLLM:
        return TRANSFORMERS_UTILIZATION
    chosen = user_config(observed, spec).options.get("gpu-memory-utilization")
    return min(chosen, UTILIZATION) if isinstance(chosen, float) else UTILIZATION
