"""Reads facts off a Workspace manifest and its claims. Pure, and total: any field may be absent."""

from datetime import datetime

from kaito_api import labels
from kaito_api.condition_types import INFERENCE_READY
from kaito_api.conditions import Condition, ConditionStatus, is_true, parse_time
from kaito_kube.kinds import Manifest, labels_of


def status_of(workspace: Manifest) -> Manifest:
    return workspace.get("status") or {}


def conditions_of(manifest: Manifest) -> list[Condition]:
    """The conditions that can be read; a controller of another make may write others."""
    found = []
    for each in status_of(manifest).get("conditions") or ():
        try:
            status = ConditionStatus(each.get("status"))
        except ValueError:
            status = ConditionStatus.UNKNOWN
        found.append(
            Condition(
                str(each.get("type", "")),
                status,
                str(each.get("reason") or ""),
                str(each.get("message") or ""),
            )
        )
    return found


def model_of(workspace: Manifest) -> str | None:
    """The preset's name; None for the user's own pods."""
    part = workspace.get("tuning") or workspace.get("inference") or {}
    name = (part.get("preset") or {}).get("name")
    return str(name) if name else None


def instance_type_of(workspace: Manifest) -> str | None:
    name = (workspace.get("resource") or {}).get("instanceType")
    return str(name) if name else None


def age_seconds(manifest: Manifest, now: datetime) -> float | None:
    return seconds_since((manifest.get("metadata") or {}).get("creationTimestamp"), now)


def seconds_since(text: object, now: datetime) -> float | None:
    """None where the text is no time."""
    try:
        return max(0.0, (now - parse_time(str(text))).total_seconds())
    except (ValueError, TypeError):
        return None


def price_per_hour(workspace: Manifest) -> float | None:
    """What the nodes cost an hour by the status; None where the controller does not know."""
    text = str(status_of(workspace).get("costPerHour") or "").lstrip("$").replace(",", "")
    try:
        return float(text)
    except ValueError:
        return None


def claimed_type(claim: Manifest) -> str:
    """The instance type of a claim: its label's once it is launched, else what it requests."""
    if (launched := labels_of(claim).get(labels.INSTANCE_TYPE)) is not None:
        return launched
    for requirement in (claim.get("spec") or {}).get("requirements") or ():
        if requirement.get("key") == labels.INSTANCE_TYPE and requirement.get("values"):
            return str(requirement["values"][0])
    return ""


def is_ready_claim(claim: Manifest) -> bool:
    """Whether its node works."""
    return any(c.type in ("Ready", "MachineReady") and c.is_true for c in conditions_of(claim))


def is_answering(workspace: Manifest) -> bool:
    """Whether its model answers requests."""
    return is_true(workspace, INFERENCE_READY)
