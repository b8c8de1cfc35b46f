"""Decides which adapters the pods pull while they run, and what became of them.

The pods are told the whole list. What each pod has follows from what it lists, so a new pod, a pod
that was restarted and a call that was lost need nothing but the next pass.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import digest
from workspace_controller.observed import Observed, PodAdapter, PulledState, PullingPod
from workspace_controller.plan.plan import PullAdapters, PulledAdapter, earliest
from workspace_controller.plan.serving.adapters.adapter_delivery import verified_adapters
from workspace_controller.plan.serving.adapters.strength import strength_of
from workspace_controller.settings import Settings

# A pull takes seconds to minutes.
_LOOK_AGAIN_SECONDS = 3.0
# A Secret or an image may have been corrected meanwhile; neither is watched.
_TRY_AGAIN_SECONDS = 60.0
# A pod whose server does not listen yet, or one that is busy.
_ASK_AGAIN_SECONDS = 5.0

_MAX_MESSAGE_CHARACTERS = 2000


class AdapterState(StrEnum):
    """What became of an adapter of the Workspace, over all of its pods."""

    PENDING = "Pending"
    SERVING = "Serving"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterReport:
    """`image` is what answers under the name, by digest; empty if none does.

    `unverified`: it is rejected for its signature. `signed_by` is the fingerprint of the image's
    key, if one was demanded.
    """

    name: str
    state: AdapterState
    image: str = ""
    cause: str = ""
    unverified: bool = False
    signed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlan:
    """The calls of this pass."""

    pulls: tuple[PullAdapters, ...] = ()
    requeue_after_seconds: float | None = None


def wanted_pulls(spec: WorkspaceSpec, settings: Settings) -> tuple[PulledAdapter, ...]:
    """The adapters of inference.adapters that come from an image."""
    return tuple(
        PulledAdapter(
            name=adapter.source.name or "",
            image=adapter.source.image,
            strength=strength_of(adapter),
            pull_secrets=tuple(adapter.source.image_pull_secrets),
            plain_http=registry_of(adapter.source.image) in settings.insecure_registries,
            verification_secret=adapter.source.verification_secret or "",
            ca_config_map=adapter.source.ca_config_map or "",
        )
        for adapter in (spec.inference.adapters if spec.inference is not None else ())
        if adapter.source.image and adapter.source.name
    )


def registry_of(image: str) -> str:
    """The host and port of an image's registry."""
    first, slash, _ = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def revision(wanted: tuple[PulledAdapter, ...]) -> str:
    """What the list is called towards the pods."""
    fields = [
        [a.name, a.image, a.strength, a.pull_secrets, a.plain_http]
        + [[a.verification_secret, a.ca_config_map]]
        * bool(a.verification_secret or a.ca_config_map)
        for a in wanted
    ]
    return digest(fields)


def decide_pulls(observed: Observed, spec: WorkspaceSpec) -> PullPlan:
    """Tells each pod that has another list, and looks again until every adapter serves."""
    wanted = wanted_pulls(spec, observed.settings)
    name, pulls, again = revision(wanted), list[PullAdapters](), list[float | None]()
    for pod in observed.pulling_pods:
        states = {adapter.state for adapter in pod.adapters}
        if pod.revision is None:
            again.append(_ASK_AGAIN_SECONDS)
        elif pod.revision != name:
            pulls.append(PullAdapters(pod.name, pod.address, wanted, name))
            again.append(_LOOK_AGAIN_SECONDS)
        elif PulledState.PENDING in states:
            again.append(_LOOK_AGAIN_SECONDS)
        elif PulledState.REJECTED in states:
            # It may be accepted with the credentials that the Secrets have now.
            pulls.append(PullAdapters(pod.name, pod.address, wanted, name))
            again.append(_TRY_AGAIN_SECONDS)
    return PullPlan(pulls=tuple(pulls), requeue_after_seconds=earliest(*again))


def adapter_reports(observed: Observed, spec: WorkspaceSpec) -> tuple[AdapterReport, ...] | None:
    """What became of each adapter that is pulled, in the order of the Workspace.

    None where no pod that serves has said so. Last come those that have no image to pull.
    """
    pods = [pod for pod in observed.pulling_pods if pod.ready and pod.revision is not None]
    missing = (*_missing(observed, spec), *_unverifiable(observed, spec))
    if not pods:
        return missing if missing and not observed.pulling_pods else None
    wanted = wanted_pulls(spec, observed.settings)
    name = revision(wanted)
    reports = []
    for adapter in wanted:
        given = [pod for pod in pods if pod.revision == name]
        report = _merged(adapter.name, _reports_of(adapter, given), len(pods))
        if unchecked := _unchecked(adapter, given):
            report = replace(report, state=AdapterState.REJECTED, cause=unchecked, unverified=True)
        if not report.image:
            # Until a pod has the new list, what it had under the name goes on answering.
            report = replace(report, image=_image(_reports_of(adapter, pods)))
        if cause := observed.adapter_problems.get(adapter.name):
            # What its Workspace had tuned still answers.
            report = replace(report, state=AdapterState.REJECTED, cause=cause)
        reports.append(report)
    names = {report.name for report in reports}
    return (*reports, *(report for report in missing if report.name not in names))


def _missing(observed: Observed, spec: WorkspaceSpec) -> tuple[AdapterReport, ...]:
    """Those with a problem; one whose Workspace is gone may still be mounted, and answer."""
    listed = spec.inference.adapters if spec.inference is not None else ()
    images = {adapter.source.name: adapter.source.image or "" for adapter in listed}
    return tuple(
        AdapterReport(
            name=name, state=AdapterState.REJECTED, image=images.get(name, ""), cause=cause
        )
        for name, cause in observed.adapter_problems.items()
    )


def _unverifiable(observed: Observed, spec: WorkspaceSpec) -> tuple[AdapterReport, ...]:
    """The adapters that must be signed, where no pod pulls. They are not mounted either."""
    if observed.pulling_pods:
        return ()
    cause = (
        "it is not served, because only pods that pull their adapters verify signatures, and the "
        "pods of this model mount them: its model spans nodes, or adapterDelivery is mount; "
        "change that, or take source.verificationSecret out"
    )
    return tuple(
        AdapterReport(name=name, state=AdapterState.REJECTED, cause=cause, unverified=True)
        for name in verified_adapters(spec)
        if name not in observed.adapter_problems
    )


def _reports_of(adapter: PulledAdapter, pods: list[PullingPod]) -> list[PodAdapter]:
    return [report for pod in pods for report in pod.adapters if report.name == adapter.name]


def _unchecked(adapter: PulledAdapter, pods: list[PullingPod]) -> str:
    """Why an adapter that serves is not verified; empty if it is, or needs no signature.

    The server of an earlier release does not know the demand, and serves what it pulls.
    """
    if not adapter.verification_secret:
        return ""
    names = [
        pod.name
        for pod in pods
        for report in _reports_of(adapter, [pod])
        if report.state is PulledState.SERVING and not report.signed_by
    ]
    if not names:
        return ""
    return (
        f"it is served without a check by {' and '.join(sorted(names))}, whose server is of an "
        "earlier release and verifies no signatures: delete the pod, so that a new one is created"
    )


def _image(found: list[PodAdapter]) -> str:
    return next((report.image for report in found if report.image), "")


def _merged(name: str, found: list[PodAdapter], pods: int) -> AdapterReport:
    """One report of those of all pods: what is wrong anywhere is shown."""
    image = _image(found)
    for report in found:
        if report.state is PulledState.REJECTED:
            return AdapterReport(
                name=name,
                state=AdapterState.REJECTED,
                image=image,
                cause=report.cause,
                unverified=report.unverified,
                signed_by=report.signed_by,
            )
    serves = len(found) == pods and all(r.state is PulledState.SERVING for r in found)
    state = AdapterState.SERVING if serves else AdapterState.PENDING
    signed_by = next((report.signed_by for report in found if report.signed_by), "")
    return AdapterReport(name=name, state=state, image=image, signed_by=signed_by)


def adapter_status_of(report: AdapterReport) -> Manifest:
    """The entry in status.adapters."""
    fields = {
        "image": report.image,
        "message": report.cause[:_MAX_MESSAGE_CHARACTERS],
        "reason": _reason(report),
        "signedBy": report.signed_by,
    }
    return {
        "name": report.name,
        "state": report.state.value,
        **{key: value for key, value in fields.items() if value},
    }


def _reason(report: AdapterReport) -> str:
    if report.state is not AdapterState.REJECTED:
        return ""
    return Reason.ADAPTER_NOT_VERIFIED if report.unverified else Reason.ADAPTER_NOT_LOADED
