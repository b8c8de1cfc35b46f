"""Decides how the GPUs of the nodes share a training."""

from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_presets.fit import Fit, tuning_fit
from kaito_presets.preset import TuningMethod
from workspace_controller.manifests.spread import Spread
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import pod_gpus
from workspace_controller.plan.tuning.nodes import tuning_nodes
from workspace_controller.plan.tuning.training_config import is_quantized, trained_alone


def decide_spread(observed: Observed, spec: WorkspaceSpec, tuning: Tuning, config: str) -> Spread:
    """One process for each GPU, where each has room for the whole model.

    One process trains where that is not known, and where `config` is for one only.
    """
    preset, gpus = observed.preset, pod_gpus(observed, spec)
    nodes = tuning_nodes(observed, spec, tuning)
    if preset is None or gpus is None or trained_alone(config, tuning.method):
        return Spread(nodes=nodes)
    method = TuningMethod.of(tuning.method, quantized=is_quantized(config))
    fit = tuning_fit(preset, method, gpus)
    return Spread(nodes=nodes, processes=fit.processes if isinstance(fit, Fit) else 1)
