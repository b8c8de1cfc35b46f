"""The adapters that are served with a model, and those that did not load."""

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, true
from kaito_api.reasons import Reason
from kaito_api.workspace import Adapter, Tuning
from kaito_kube.kinds import Manifest, is_being_deleted
from workspace_controller.manifests.model_pod import ServedAdapter
from workspace_controller.observed import Observed
from workspace_controller.plan.pods.status import pods_with_role

# Where the trainer writes the adapter in a results volume.
_RESULTS_SUBPATH = "adapter"
_ANSWERS = "the model answers requests"
# Ten causes, the most that a Workspace can have, stay far below a condition's 32 KiB.
_MAX_CAUSE_CHARACTERS = 1000


def listed_adapters(adapters: list[Adapter]) -> tuple[ServedAdapter, ...]:
    """The adapters in inference.adapters."""
    return tuple(
        ServedAdapter(
            name=adapter.source.name or "",
            strength=_strength(adapter.strength),
            image=adapter.source.image or "",
            volume=adapter.source.volume_source,
            subpath="data" if adapter.source.image else "",
            pull_secrets=tuple(adapter.source.image_pull_secrets),
        )
        for adapter in adapters
        if adapter.source.name
    )


def own_adapter(observed: Observed, tuning: Tuning, reference: str) -> ServedAdapter:
    """The adapter that the Workspace itself has tuned, under the Workspace's name."""
    name, output = observed.owner.name, tuning.output
    if output.volume_source is not None:
        return ServedAdapter(name=name, volume=output.volume_source, subpath=_RESULTS_SUBPATH)
    # The secret that pushed the image also pulls it.
    secret = (output.image_push_secret,) if output.image_push_secret else ()
    return ServedAdapter(name=name, image=reference, pull_secrets=secret)


def adapter_pods(observed: Observed) -> list[Manifest]:
    """The pods to ask which adapters did not load: ready ones of a model-server with adapters.

    The adapter that a Workspace has tuned is not asked for: its model-server does not start
    without it.
    """
    inference = observed.spec.inference if observed.spec is not None else None
    if inference is None or inference.template is not None or not inference.adapters:
        return []
    return [
        pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if _is_ready(pod) and not is_being_deleted(pod)
    ]


def ready_condition(observed: Observed) -> Condition:
    """InferenceReady of a model that answers; it names the adapters that it answers without."""
    type_, rejected = condition_types.INFERENCE_READY, observed.rejected_adapters
    if rejected is None:
        # No answer says nothing about the adapters: what was known still holds.
        before = observed.condition(type_)
        if adapter_pods(observed) and before.get("reason") == Reason.ADAPTER_NOT_LOADED:
            return true(type_, Reason.ADAPTER_NOT_LOADED, before["message"])
    elif rejected:
        causes = "; ".join(f"{each.name}: {_shorten(each.cause)}" for each in rejected)
        plural = "s" if len(rejected) > 1 else ""
        message = f"{_ANSWERS}, but without {len(rejected)} adapter{plural}: {causes}"
        return true(type_, Reason.ADAPTER_NOT_LOADED, message)
    return true(type_, Reason.INFERENCE_READY, _ANSWERS)


def _is_ready(pod: Manifest) -> bool:
    status = pod.get("status") or {}
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or ()}
    return bool(status.get("podIP")) and conditions.get("Ready") == "True"


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_CAUSE_CHARACTERS else f"{text[:_MAX_CAUSE_CHARACTERS]}…"


def _strength(text: str) -> float:
    """A number from 0 to 1, which the CRD enforces; anything else counts as 1."""
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
