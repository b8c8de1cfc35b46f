"""The adapters that are served with a model, and those that did not load."""

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, from_manifest, true
from kaito_api.reasons import Reason
from kaito_api.workspace import Adapter, Tuning
from kaito_kube.kinds import Manifest, is_being_deleted
from workspace_controller.manifests.model_pod import PULLED_ADAPTERS, ServedAdapter
from workspace_controller.manifests.serving_containers import MODEL_SERVER
from workspace_controller.observed import Observed
from workspace_controller.plan.pods.status import is_ready, pods_with_role
from workspace_controller.plan.serving.adapters.pulled_adapters import (
    AdapterReport,
    AdapterState,
    adapter_reports,
    wanted_pulls,
)
from workspace_controller.plan.serving.adapters.strength import strength_of
from workspace_controller.plan.serving.engines.own_engine import unused_engine_note

# Where the trainer writes the adapter in a results volume.
_RESULTS_SUBPATH = "adapter"
_ANSWERS = "the model answers requests"
# Ten causes, the most that a Workspace can have, stay far below a condition's 32 KiB.
_MAX_CAUSE_CHARACTERS = 1000
_ABOUT_ADAPTERS = (
    Reason.ADAPTER_NOT_LOADED,
    Reason.ADAPTER_NOT_VERIFIED,
    Reason.ADAPTER_LOADING,
)


def mounted_adapters(adapters: list[Adapter], *, pulls: bool) -> tuple[ServedAdapter, ...]:
    """Those of inference.adapters that are in the pod's template: not the images that it pulls.

    An image that must be signed is never mounted: the kubelet does not look at signatures.
    """
    return tuple(
        ServedAdapter(
            name=adapter.source.name or "",
            strength=strength_of(adapter),
            image=adapter.source.image or "",
            volume=adapter.source.volume_source,
            subpath="data" if adapter.source.image else "",
            pull_secrets=tuple(adapter.source.image_pull_secrets),
        )
        for adapter in adapters
        if adapter.source.name
        and not (adapter.source.image and (pulls or adapter.source.verification_secret))
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
    """The pods to ask which mounted adapters did not load: ready ones that mount some.

    The adapter that a Workspace has tuned is not asked for: its model-server does not start
    without it.
    """
    inference = observed.spec.inference if observed.spec is not None else None
    if inference is None or inference.template is not None:
        return []
    return [
        pod
        for pod in _model_pods(observed)
        if is_ready(pod) and mounted_adapters(inference.adapters, pulls=pulls(pod))
    ]


def pulling_pods(observed: Observed) -> list[Manifest]:
    """The pods to ask for the adapters that they pull. They answer before they are ready."""
    return [pod for pod in _model_pods(observed) if pulls(pod)]


def pulls(pod: Manifest) -> bool:
    """Whether this pod pulls adapters: one from before an update may mount them."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    return any(
        PULLED_ADAPTERS in [entry.get("name") for entry in container.get("env") or ()]
        for container in containers
        if container.get("name") == MODEL_SERVER
    )


def ready_condition(observed: Observed) -> Condition:
    """InferenceReady of a model that answers; it names the adapters that it answers without."""
    type_, mounted = condition_types.INFERENCE_READY, observed.rejected_adapters
    reports = adapter_reports(observed, observed.spec) if observed.spec is not None else None
    if _is_unanswered(observed, reports):
        if _still_holds(observed, before := observed.condition(type_)):
            return from_manifest(before)
        reports = reports if reports is not None else _unknown(observed)
    causes = [f"{each.name}: {_shorten(each.cause)}" for each in mounted or ()]
    causes += [_cause(each) for each in reports or () if each.state is AdapterState.REJECTED]
    serving = [each.name for each in reports or () if each.state is AdapterState.SERVING]
    answers = f"{_ANSWERS}, also with {_names(serving)}" if serving else _ANSWERS
    if note := unused_engine_note(observed):
        answers = f"{answers}; {note}"
    pending = [each.name for each in reports or () if each.state is AdapterState.PENDING]
    later = f"; {_names(pending)} {'is' if len(pending) == 1 else 'are'} pulled" if pending else ""
    if causes:
        plural = "s" if len(causes) > 1 else ""
        message = f"{answers}, but without {len(causes)} adapter{plural}: {'; '.join(causes)}"
        unverified = any(each.unverified for each in reports or ())
        reason = Reason.ADAPTER_NOT_VERIFIED if unverified else Reason.ADAPTER_NOT_LOADED
        return true(type_, reason, f"{message}{later}")
    reason = Reason.ADAPTER_LOADING if pending else Reason.INFERENCE_READY
    return true(type_, reason, f"{answers}{later}")


def _unknown(observed: Observed) -> tuple[AdapterReport, ...]:
    """Before a pod says something, nothing is known to serve."""
    if observed.spec is None or not pulling_pods(observed):
        return ()
    wanted = wanted_pulls(observed.spec, observed.settings)
    return tuple(AdapterReport(name=each.name, state=AdapterState.PENDING) for each in wanted)


def _is_unanswered(observed: Observed, reports: tuple[AdapterReport, ...] | None) -> bool:
    """Whether a pod with adapters does not say what became of them."""
    if adapter_pods(observed) and observed.rejected_adapters is None:
        return True
    return reports is None and any(is_ready(pod) for pod in pulling_pods(observed))


def _still_holds(observed: Observed, before: Manifest) -> bool:
    """No answer says nothing: what was known of this very Workspace still holds."""
    generation = observed.workspace["metadata"].get("generation", 0)
    is_current = before.get("observedGeneration") == generation
    return before.get("reason") in _ABOUT_ADAPTERS or (
        is_current and before.get("reason") == Reason.INFERENCE_READY
    )


def _cause(report: AdapterReport) -> str:
    text = f"{report.name}: {_shorten(report.cause)}"
    return f"{text}; until then {report.image} answers" if report.image else text


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _model_pods(observed: Observed) -> list[Manifest]:
    return [
        pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if (pod.get("status") or {}).get("podIP") and not is_being_deleted(pod)
    ]


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_CAUSE_CHARACTERS else f"{text[:_MAX_CAUSE_CHARACTERS]}…"
