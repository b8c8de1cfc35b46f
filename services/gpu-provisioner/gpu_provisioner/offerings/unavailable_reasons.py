"""Why an offering that fits is not to be had, in words: what is there, what is missing, and
the remedy. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gpu_provisioner.cloud.availability import REGIONAL_QUOTA, SPOT_QUOTA
from gpu_provisioner.offerings.unavailable_offerings import Refusal
from kaito_api.reasons import Reason

# The first is what its reader can do most about; the last only passes.
MOST_ACTIONABLE = (Reason.QUOTA_EXCEEDED, Reason.SKU_NOT_AVAILABLE, Reason.INSUFFICIENT_CAPACITY)
_LISTED = 5
_SHORT = 140
_OTHER = "or use another resource.instanceType"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """`what` follows the type's name; `whole` replaces both where the cloud said it itself."""

    instance_type: str
    spot: bool
    reason: Reason
    what: str
    remedy: str
    whole: str = ""
    until: datetime | None = None

    @property
    def who(self) -> str:
        return f"{self.instance_type} (spot)" if self.spot else self.instance_type

    @property
    def sentence(self) -> str:
        return self.whole or f"{self.who} {self.what}. {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """One quota that a machine needs more of than is left."""

    quota: str
    needed: int
    used: int
    promised: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used - self.promised)

    @property
    def missing(self) -> int:
        return self.needed - self.left

    def __str__(self) -> str:
        promised = f", {self.promised} promised to other claims" if self.promised else ""
        return (
            f"{self.needed} vCPUs of {_quota(self.quota)}, and {self.left} of {self.limit} are "
            f"left ({self.used} used{promised}): {self.missing} are missing"
        )


def no_quota(name: str, shortfalls: Sequence[Shortfall], region: str, *, spot: bool) -> Obstacle:
    needs = " and ".join(str(shortfall) for shortfall in shortfalls)
    first = shortfalls[0]
    more = f"{first.missing} more vCPUs of {_quota(first.quota)}"
    return Obstacle(
        instance_type=name,
        spot=spot,
        reason=Reason.QUOTA_EXCEEDED,
        what=f"in {region} needs {needs}",
        remedy=f"Ask for {more} in {region}, {_OTHER}.",
    )


def withheld(name: str, why: str, region: str, *, spot: bool) -> Obstacle:
    return Obstacle(
        instance_type=name,
        spot=spot,
        reason=Reason.SKU_NOT_AVAILABLE,
        what=f"is not sold to this subscription in {region} ({why})",
        remedy=f"Ask for access to it in {region}, {_OTHER} or region.",
    )


def zone_withheld(name: str, asked: Sequence[str], sold: Sequence[str], *, spot: bool) -> Obstacle:
    """Zones as Kubernetes names them."""
    there = f"it is in {', '.join(sold)}" if sold else "it is in no zone of the region"
    where = ", ".join(asked) or "the zones that are asked for"
    return Obstacle(
        instance_type=name,
        spot=spot,
        reason=Reason.SKU_NOT_AVAILABLE,
        what=f"is not sold to this subscription in {where}: {there}",
        remedy=f"Ask for another zone, {_OTHER}.",
    )


def refused(name: str, refusal: Refusal, *, spot: bool) -> Obstacle:
    """What the cloud answered when it was asked for that."""
    message = refusal.error.message
    return Obstacle(
        instance_type=name,
        spot=spot,
        reason=refusal.error.reason,
        what=message if len(message) <= _SHORT else message[:_SHORT] + " ...",
        remedy="It is tried again by itself.",
        whole=message,
        until=refusal.until,
    )


def headline(obstacles: Sequence[Obstacle]) -> tuple[Reason, str]:
    """One reason and one message for all of them."""
    found = sorted(obstacles, key=lambda o: MOST_ACTIONABLE.index(o.reason))
    first = found[0]
    if len(found) == 1:
        return first.reason, first.sentence
    listed = "; ".join(f"{o.who}: {o.reason}, {o.what}" for o in found[:_LISTED])
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return first.reason, (
        f"None of the {len(found)} offerings that fit is to be had. {first.remedy} {listed}{more}"
    )


def _quota(name: str) -> str:
    return {
        REGIONAL_QUOTA: "the region's quota (cores)",
        SPOT_QUOTA: "the region's spot quota (lowPriorityCores)",
    }.get(name, f"quota {name}")
