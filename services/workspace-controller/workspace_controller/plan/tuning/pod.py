"""What the pods of a tuning run are built from: the check's, and the run's own."""

from kaito_api.workspace import Tuning, WorkspaceSpec
from workspace_controller.manifests.tuning_job import TuningPod
from workspace_controller.observed import Observed
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.placement import placement
from workspace_controller.plan.tuning.spread import decide_spread


def tuning_pod(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning, results_claim: str = ""
) -> TuningPod | None:
    """None while the preset or the configuration is not known."""
    source = model_source(observed, tuning.preset)
    if source is None or observed.file is None or observed.file.text is None:
        return None
    return TuningPod(
        owner=observed.owner,
        tuning=tuning,
        model=source,
        config=observed.file.text,
        placement=placement(observed, spec),
        settings=observed.settings,
        spread=decide_spread(observed, spec, tuning, observed.file.text),
        results_claim=results_claim,
    )
