"""The first cause of a Workspace's trouble. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from kaito_api.blocking import IN_PROGRESS, blocking_condition
from kaito_api.condition_types import WORKSPACE_DELETING
from kaito_api.conditions import Condition
from kaito_api.reasons import REASONS, Reason
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.observation import Observation
from kubectl_kaito.output import View
from kubectl_kaito.release import Release
from kubectl_kaito.why.controller import ControllerTrouble, controller_trouble
from kubectl_kaito.why.evidence import Evidence, LogRef, evidence, logs_to_read
from kubectl_kaito.why.next_steps import next_steps

_SUMMARIES = ("WorkspaceSucceeded", "WorkspaceReady")
_REPORT_SECONDS = 30.0


class Verdict(StrEnum):
    FINE = "fine"
    WAITING = "waiting"
    FAILING = "failing"
    UNKNOWN = "unknown"


class EvidenceView(View):
    source: str = Field(description="condition, claim, pod, event, log or controller.")
    about: str = Field(description="The object's kind and name.")
    text: str
    seconds: float | None = Field(description="How long ago.")


class Explanation(View):
    namespace: str
    name: str
    state: str
    verdict: Verdict
    cause: str = Field(description="What keeps it from being ready, in a sentence.")
    reason: str | None = Field(description="The reason's code, as on the page of reasons.")
    meaning: str | None = Field(description="What the reason means; null for one that is not ours.")
    remedy: str | None
    waiting_helps: bool | None = Field(description="null: not known.")
    evidence: list[EvidenceView]
    commands: list[str] = Field(description="What to run next.")


def explain(seen: Observation, release: Release, logs: Mapping[LogRef, str]) -> Explanation:
    """The cause that comes first: the controller's absence, then what the conditions say."""
    trouble = controller_trouble(release, seen.now)
    conditions = facts.conditions_of(seen.workspace)
    deleting = seen.workspace["metadata"].get("deletionTimestamp") is not None
    if trouble is not None and (not conditions or deleting or _is_outdated(seen)):
        return _without_controller(seen, trouble)
    if not conditions:
        return _unreported(seen, release)
    if deleting:
        ending = [c for c in conditions if c.type == WORKSPACE_DELETING]
        cause = ending[0] if ending else None
    else:
        own = [c for c in conditions if c.type not in _SUMMARIES]
        cause = blocking_condition(own) or next((c for c in own if _asks_for_something(c)), None)
    if cause is None:
        return _without_cause(seen, conditions)
    found = _explained(seen, release, cause, evidence(seen, logs))
    if trouble is None:
        return found
    stale = EvidenceView(
        source="controller",
        about="workspace-controller",
        text=f"{trouble.cause}; the conditions are the last that it wrote",
        seconds=None,
    )
    return found.model_copy(update={"evidence": [*found.evidence, stale]})


def _explained(
    seen: Observation, release: Release, cause: Condition, supporting: list[Evidence]
) -> Explanation:
    reason = REASONS.get(cause.reason)
    waits = reason in IN_PROGRESS or reason is Reason.WORKSPACE_DELETING
    permanent = reason.permanent if reason is not None else False
    own = Evidence(
        "condition",
        cause.type,
        f"{cause.status} {cause.reason}: {cause.message}",
        _since(seen, cause.type),
    )
    sentence = cause.message or (reason.meaning if reason is not None else cause.reason)
    stuck = Verdict.WAITING if waits else Verdict.FAILING
    return _explanation(
        seen,
        Verdict.FINE if cause.is_true and cause.type != WORKSPACE_DELETING else stuck,
        sentence,
        reason=cause.reason,
        meaning=reason.meaning if reason is not None else None,
        remedy=(reason.remedy or None) if reason is not None else _FOREIGN.format(cause.reason),
        waiting_helps=None if reason is None else not permanent,
        evidence=[_view(each) for each in (own, *supporting)],
        commands=next_steps(cause.reason, _names(seen, release)),
    )


def _asks_for_something(condition: Condition) -> bool:
    """The model answers, but not all is well: an update failed, or an adapter is left out."""
    reason = REASONS.get(condition.reason)
    return condition.is_true and reason is not None and bool(reason.remedy)


_FOREIGN = (
    "{} is not a reason of Kaito's: it comes from another controller, such as the one that "
    "provides the nodes, and its documentation says what to do."
)


def _without_controller(seen: Observation, trouble: ControllerTrouble) -> Explanation:
    """The conditions are older than the last change of the Workspace, where there are any."""
    conditions = facts.conditions_of(seen.workspace)
    known = [
        Evidence("condition", c.type, f"{c.status} {c.reason}: {c.message}")
        for c in conditions
        if not c.is_true
    ]
    return _explanation(
        seen,
        Verdict.FAILING,
        trouble.cause,
        remedy="Make workspace-controller run; the Workspace goes on by itself.",
        waiting_helps=False,
        evidence=[_view(each) for each in known],
        commands=trouble.commands,
    )


def _unreported(seen: Observation, release: Release) -> Explanation:
    age = facts.age_seconds(seen.workspace, seen.now)
    if age is not None and age < _REPORT_SECONDS:
        cause = "it has just been created, and workspace-controller has not looked at it yet"
        return _explanation(seen, Verdict.WAITING, cause, waiting_helps=True, commands=_watch(seen))
    cause = "workspace-controller has reported nothing about it, and why is not known"
    if release.unread:
        kinds = ", ".join(kind.plural for kind in release.unread)
        cause += f": you may not read {kinds} of its namespace, which would show whether it runs"
    return _explanation(
        seen, Verdict.UNKNOWN, cause, waiting_helps=None, commands=["kubectl kaito doctor"]
    )


def _without_cause(seen: Observation, conditions: list[Condition]) -> Explanation:
    if all(c.is_true for c in conditions):
        state = facts.status_of(seen.workspace).get("state")
        done = "the adapter is pushed, and nothing is to be served"
        cause = done if state == "Succeeded" else "the model answers requests"
        return _explanation(seen, Verdict.FINE, cause, waiting_helps=None, commands=[])
    cause = "it is not ready, and none of its conditions says why"
    return _explanation(
        seen, Verdict.UNKNOWN, cause, waiting_helps=None, commands=["kubectl kaito doctor"]
    )


def _explanation(seen: Observation, verdict: Verdict, cause: str, **more: object) -> Explanation:
    fields: dict[str, object] = {
        "reason": None,
        "meaning": None,
        "remedy": None,
        "evidence": [],
        **more,
    }
    state = facts.status_of(seen.workspace).get("state") or "Unknown"
    return Explanation.model_validate(
        {
            "namespace": seen.namespace,
            "name": seen.name,
            "state": state,
            "verdict": verdict,
            "cause": cause,
            **fields,
        }
    )


def _view(found: Evidence) -> EvidenceView:
    return EvidenceView(
        source=found.source, about=found.about, text=found.text, seconds=found.seconds
    )


def _is_outdated(seen: Observation) -> bool:
    observed = facts.status_of(seen.workspace).get("observedGeneration")
    generation = seen.workspace["metadata"].get("generation")
    return isinstance(observed, int) and isinstance(generation, int) and observed < generation


def _since(seen: Observation, type_: str) -> float | None:
    for condition in facts.status_of(seen.workspace).get("conditions") or ():
        if condition.get("type") == type_:
            return facts.seconds_since(condition.get("lastTransitionTime"), seen.now)
    return None


def _watch(seen: Observation) -> list[str]:
    return [f"kubectl kaito status {seen.name} -n {seen.namespace} --watch"]


def _names(seen: Observation, release: Release) -> dict[str, str | None]:
    """What the commands can name. A failing pod before others, and the newest first."""
    failed = logs_to_read(seen)
    pods = sorted(seen.pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    newest = pods[-1] if pods else None
    specs = (newest or {}).get("spec", {}).get("containers") or [{}]
    claim = seen.claims[0]["metadata"]["name"] if seen.claims else None
    kind = seen.claim_kinds[claim].kind.lower() if claim is not None else None
    nodes = facts.status_of(seen.workspace).get("workerNodes") or [None]
    return {
        "name": seen.name,
        "namespace": seen.namespace,
        "pod": failed[-1].pod.name if failed else newest and newest["metadata"]["name"],
        "container": failed[-1].container if failed else specs[0].get("name"),
        "claim": f"{kind} {claim}" if claim is not None else None,
        "node": nodes[0],
        "model": facts.model_of(seen.workspace),
        "instance_type": facts.instance_type_of(seen.workspace),
        "release": release.namespace or None,
        "region": release.region,
        "group": release.provisioner_setting("KAITO_AZURE_RESOURCE_GROUP"),
        "cluster": release.provisioner_setting("KAITO_AZURE_CLUSTER_NAME"),
        "identity": release.provisioner_setting("KAITO_AZURE_CLIENT_ID"),
    }
