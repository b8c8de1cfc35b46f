"""What a Workspace itself determines of its workload, in contrast to the release."""

from typing import Any

from pydantic import BaseModel

from kaito_api.workspace import Inference, WorkspaceSpec
from workspace_controller.manifests.metadata import digest
from workspace_controller.plan.serving.engines.inference_config import InferenceConfig
from workspace_controller.plan.spec import selector_labels
from workspace_controller.plan.tuning.run import TuningPlan


def inputs_of(
    spec: WorkspaceSpec,
    tuning: TuningPlan | None,
    config: InferenceConfig,
    runtime: str = "",
    model: tuple[str, bool] | None = None,
    *,
    pulls: bool = False,
    loads: bool = False,
    measures: bool = True,
    engine_model: str = "",
) -> str:
    """A digest of the user's part, in the user's words.

    It must not change with a release: then all workloads would seem to be changed by their users
    at once. So defaults, which a release may add, are left out. `runtime` is the engine that the
    user names, and `model` the commit of a model of the hub, with whether its code is trusted.
    Where the pods pull adapters, these determine nothing of the workload, except that the engine
    `loads` any. `measures`: the model is measured before it is ready. `engine_model` is what the
    user says that a server calls its model.
    """
    resource = spec.resource
    adapter = tuning.adapter.reference if tuning is not None and tuning.adapter else ""
    tuned = spec.tuning
    return digest(
        {
            "instanceType": resource.instance_type,
            "count": resource.count,
            "labels": selector_labels(spec),
            "partition": _dump(resource.partition),
            "inference": _without_pulled(spec.inference) if pulls else _dump(spec.inference),
            **({"loadsAdapters": True} if loads else {}),
            "tuned": [_dump(tuned.preset), _dump(tuned.output), adapter] if tuned else None,
            "contextTokens": config.max_model_len,
            **({"options": dict(config.options)} if config.options else {}),
            **({"runtime": runtime} if runtime else {}),
            **({"model": list(model)} if model else {}),
            **({} if measures else {"measures": False}),
            **({"engineModel": engine_model} if engine_model else {}),
        }
    )


def _without_pulled(inference: Inference | None) -> Any:
    """Without the adapters that come from an image."""
    if inference is None:
        return None
    kept = [adapter for adapter in inference.adapters if not adapter.source.image]
    return _dump(inference.model_copy(update={"adapters": kept}))


def _dump(model: BaseModel | None) -> Any:
    if model is None:
        return None
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
