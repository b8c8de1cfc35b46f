"""Why an offering that meets a claim is not available: what is missing, and the remedy. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gpu_provisioner.cloud.availability import REGIONAL_QUOTA, SPOT_QUOTA
from gpu_provisioner.offerings.unavailable_offerings import Refusal
from kaito_api.reasons import Reason

# Of several reasons, the first is the one that the reader can do the most about.
MOST_ACTIONABLE = (Reason.QUOTA_EXCEEDED, Reason.SKU_NOT_AVAILABLE, Reason.INSUFFICIENT_CAPACITY)
# A message that lists every type that meets a claim would be unreadable.
_MAX_LISTED = 5
# Characters of Azure's own message in such a list.
_MAX_LENGTH = 140
_OTHER_TYPE = "or use another resource.instanceType"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailableReason:
    """`problem` continues a sentence that starts with the type's name. `cloud_message` replaces
    the sentence where the cloud itself refused. The reason expires at `until`."""

    instance_type: str
    spot: bool
    reason: Reason
    problem: str
    remedy: str
    cloud_message: str = ""
    until: datetime | None = None

    @property
    def offering(self) -> str:
        return f"{self.instance_type} (spot)" if self.spot else self.instance_type

    @property
    def message(self) -> str:
        return self.cloud_message or f"{self.offering} {self.problem}. {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsufficientQuota:
    """A quota with fewer vCPUs left than a machine needs."""

    quota: str
    needed: int
    used: int
    reserved: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used - self.reserved)

    @property
    def missing(self) -> int:
        return self.needed - self.left

    def __str__(self) -> str:
        reserved = f", {self.reserved} reserved for other claims" if self.reserved else ""
        return (
            f"{self.needed} vCPUs of {_quota(self.quota)}, and {self.left} of {self.limit} are "
            f"left ({self.used} used{reserved}): {self.missing} are missing"
        )


def no_quota(
    name: str, quotas: Sequence[InsufficientQuota], region: str, *, spot: bool
) -> UnavailableReason:
    needs = " and ".join(str(quota) for quota in quotas)
    first = quotas[0]
    more = f"{first.missing} more vCPUs of {_quota(first.quota)}"
    return UnavailableReason(
        instance_type=name,
        spot=spot,
        reason=Reason.QUOTA_EXCEEDED,
        problem=f"in {region} needs {needs}",
        remedy=f"Request {more} in {region}, {_OTHER_TYPE}.",
    )


def restricted(name: str, restriction: str, region: str, *, spot: bool) -> UnavailableReason:
    return UnavailableReason(
        instance_type=name,
        spot=spot,
        reason=Reason.SKU_NOT_AVAILABLE,
        problem=f"is not available to this subscription in {region} ({restriction})",
        remedy=f"Request access to it in {region}, {_OTHER_TYPE} or region.",
    )


def zone_restricted(
    name: str, required: Sequence[str], available: Sequence[str], *, spot: bool
) -> UnavailableReason:
    """Return the reason for zones as Kubernetes names them."""
    elsewhere = (
        f"it is available in {', '.join(available)}"
        if available
        else "it is available in no zone of the region"
    )
    where = ", ".join(required) or "the required zones"
    return UnavailableReason(
        instance_type=name,
        spot=spot,
        reason=Reason.SKU_NOT_AVAILABLE,
        problem=f"is not available to this subscription in {where}: {elsewhere}",
        remedy=f"Use another zone, {_OTHER_TYPE}.",
    )


def refused(name: str, refusal: Refusal, *, spot: bool) -> UnavailableReason:
    """Return the reason for an offering that the cloud refused recently."""
    message = refusal.error.message
    return UnavailableReason(
        instance_type=name,
        spot=spot,
        reason=refusal.error.reason,
        problem=message if len(message) <= _MAX_LENGTH else message[:_MAX_LENGTH] + " ...",
        remedy="It is retried automatically.",
        cloud_message=message,
        until=refusal.until,
    )


def summarize(reasons: Sequence[UnavailableReason]) -> tuple[Reason, str]:
    """Return one reason and one message for all of them."""
    ordered = sorted(reasons, key=lambda each: MOST_ACTIONABLE.index(each.reason))
    first = ordered[0]
    if len(ordered) == 1:
        return first.reason, first.message
    listed = "; ".join(
        f"{each.offering}: {each.reason}, {each.problem}" for each in ordered[:_MAX_LISTED]
    )
    more = f"; and {len(ordered) - _MAX_LISTED} more" if len(ordered) > _MAX_LISTED else ""
    return first.reason, (
        f"None of the {len(ordered)} offerings that meet the claim is available. "
        f"{first.remedy} {listed}{more}"
    )


def _quota(name: str) -> str:
    return {
        REGIONAL_QUOTA: "the region's quota (cores)",
        SPOT_QUOTA: "the region's spot quota (lowPriorityCores)",
    }.get(name, f"quota {name}")
