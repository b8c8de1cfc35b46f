"""Which offerings are selected for a claim, and why there are none."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.offerings.unavailable_offerings import UnavailableOfferings, offerings
from kaito_api.conditions import MAX_MESSAGE
from kaito_api.reasons import REASONS, Reason
from tests.gpu_provisioner.offerings.builders import (
    A10,
    A100,
    CAPACITY,
    CATALOG,
    H100,
    NOW,
    SKU,
    T4,
    T4_FAMILY,
    UNKNOWN,
    ZONE,
    Row,
    availability,
    candidates,
    claim,
    disabled,
    inputs,
    named,
    refused,
    selected,
    sku,
)

PLENTY = (0, 1000)
A100_FAMILY = "StandardNCADSA100v4Family"


def no_capacity(*offered: str, spot: bool = False) -> UnavailableOfferings:
    found = UnavailableOfferings()
    for name in offered:
        error = LaunchRefused(
            Reason.INSUFFICIENT_CAPACITY, f"no capacity for {name}. It is retried"
        )
        found.mark_unavailable(offerings(name, (), spot=spot), error, NOW, late=False)
    return found


# Order


def test_cheapest_type_comes_first() -> None:
    assert selected(claim(named(H100, A100, T4, A10))) == [T4, A10, A100, H100]


def test_type_without_price_comes_last() -> None:
    assert selected(claim(named(UNKNOWN, H100, T4))) == [T4, H100, UNKNOWN]


def test_spot_is_tried_first_where_allowed() -> None:
    both = claim(named(A100, T4), (CAPACITY, "In", ["on-demand", "spot"]))
    tried = [(one.instance_type, one.spot) for one in candidates(both, inputs())]
    assert tried == [(T4, True), (A100, True), (T4, False), (A100, False)]


@pytest.mark.parametrize(
    ("rows", "spot"),
    [
        ([], [False]),
        ([(CAPACITY, "In", ["on-demand"])], [False]),
        ([(CAPACITY, "In", ["spot"])], [True]),
        ([(CAPACITY, "NotIn", ["on-demand"])], [True]),
        ([(CAPACITY, "NotIn", ["spot"])], [False]),
        ([(CAPACITY, "Exists", [])], [True, False]),
        ([(CAPACITY, "In", ["spot", "on-demand"]), (CAPACITY, "NotIn", ["spot"])], [False]),
    ],
    ids=["unsaid", "on-demand", "spot", "not on-demand", "not spot", "any", "both keys"],
)
def test_capacity_types_select_spot_or_on_demand(rows: list[Row], spot: list[bool]) -> None:
    assert [one.spot for one in candidates(claim(named(T4), *rows), inputs())] == spot


# Zones


@pytest.mark.parametrize(
    ("rows", "zones"),
    [
        ([], ()),
        ([(ZONE, "In", ["eastus-2"])], ("2",)),
        ([(ZONE, "In", ["2", "eastus-1"])], ("1", "2")),
        ([(ZONE, "NotIn", ["eastus-2"])], ("1", "3")),
        ([(ZONE, "DoesNotExist", [])], ()),
        ([("failure-domain.beta.kubernetes.io/zone", "In", ["eastus-3"])], ("3",)),
    ],
    ids=["unsaid", "one", "two", "all but one", "none", "by its old name"],
)
@pytest.mark.parametrize(
    "available", [None, availability(sku(T4))], ids=["unknown availability", "availability"]
)
def test_zones_are_parsed_or_selected(
    rows: list[Row], zones: tuple[str, ...], available: Availability | None
) -> None:
    assert [one.zones for one in candidates(claim(named(T4), *rows), inputs(available))] == [zones]


def test_restricted_zone_is_not_selected() -> None:
    available = availability(sku(T4, restricted_zones=frozenset({"1"})))
    both = claim(named(T4), (ZONE, "In", ["eastus-1", "eastus-2"]))
    assert [one.zones for one in candidates(both, inputs(available))] == [("2",)]
    answer = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), inputs(available))
    assert answer.reason == "SkuNotAvailable"
    assert f"{T4} is not available to this subscription in eastus-1" in answer.message
    assert "it is available in eastus-2, eastus-3" in answer.message


def test_region_without_zones_is_reported() -> None:
    available = availability(sku(T4, zones=frozenset()))
    assert selected(claim(named(T4)), inputs(available)) == [T4]
    answer = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), inputs(available))
    assert (answer.reason, "in no zone of the region" in answer.message) == (
        "SkuNotAvailable",
        True,
    )


def test_recently_refused_zone_is_left_out() -> None:
    unavailable = UnavailableOfferings()
    error = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "no capacity in zone 1")
    unavailable.mark_unavailable(offerings(T4, ("1",), spot=False), error, NOW, late=True)
    wanted = claim(named(T4), (ZONE, "In", ["eastus-1", "eastus-2"]))
    where = inputs(unavailable=unavailable)
    assert [one.zones for one in candidates(wanted, where)] == [("2",)]
    assert selected(claim(named(T4)), where) == [T4]
    only = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), where)
    assert (only.reason, only.message) == ("InsufficientCapacity", "no capacity in zone 1")


# Quota

# Used and limit of family, region and spot; vCPUs reserved for others; whether 4 vCPUs are left.
QUOTAS = [
    ("quota is left", {"t4": (0, 4), "cores": (0, 4)}, {}, False, True),
    ("exactly enough", {"t4": (8, 12), "cores": (96, 100)}, {}, False, True),
    ("one vCPU short in the family", {"t4": (9, 12), "cores": PLENTY}, {}, False, False),
    ("one vCPU short in the region", {"t4": PLENTY, "cores": (97, 100)}, {}, False, False),
    ("none at all", {"t4": (0, 0), "cores": PLENTY}, {}, False, False),
    ("over its limit", {"t4": (10, 4), "cores": PLENTY}, {}, False, False),
    ("family not listed", {"cores": PLENTY}, {}, False, True),
    ("nothing listed", {}, {}, False, True),
    ("promised to others", {"t4": (0, 12), "cores": PLENTY}, {T4_FAMILY: 9}, False, False),
    ("promised, and enough left", {"t4": (0, 12), "cores": PLENTY}, {T4_FAMILY: 8}, False, True),
    ("the region's promised", {"t4": PLENTY, "cores": (0, 12)}, {"cores": 12}, False, False),
    ("spot has its own", {"t4": (0, 0), "cores": (0, 0), "lowPriorityCores": (0, 4)}, {}, True,
     True),
    ("spot is short", {"t4": PLENTY, "cores": PLENTY, "lowPriorityCores": (1, 4)}, {}, True,
     False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("quota", "reserved", "spot", "had"), [c[1:] for c in QUOTAS], ids=[c[0] for c in QUOTAS]
)
def test_quota_decides_whether_a_type_is_available(
    quota: dict[str, tuple[int, int]], reserved: dict[str, int], spot: bool, had: bool
) -> None:
    wanted = claim(named(T4), (CAPACITY, "In", ["spot" if spot else "on-demand"]))
    where = inputs(availability(sku(T4), **quota), reserved=reserved)
    if had:
        assert selected(wanted, where) == [T4]
    else:
        assert refused(wanted, where).reason == "QuotaExceeded"


def test_quota_message_has_numbers_and_remedy() -> None:
    available = availability(sku(A100), StandardNCADSA100v4Family=(18, 24), cores=(0, 1000))
    answer = refused(claim(named(A100)), inputs(available, reserved={A100_FAMILY.lower(): 2}))
    assert answer.message == (
        f"{A100} in eastus needs 24 vCPUs of quota {A100_FAMILY}, and 4 of 24 are left (18 used, 2 "
        f"reserved for other claims): 20 are missing. Request 20 more vCPUs of quota {A100_FAMILY} "
        "in eastus, or use another resource.instanceType."
    )


def test_both_missing_quotas_are_reported() -> None:
    available = availability(sku(A100), StandardNCADSA100v4Family=(0, 0), cores=(95, 100))
    message = refused(claim(named(A100)), inputs(available)).message
    assert "24 vCPUs of quota StandardNCADSA100v4Family, and 0 of 0 are left" in message
    assert "24 vCPUs of the region's quota (cores), and 5 of 100 are left (95 used)" in message


def test_quota_uses_catalog_without_sku_listing() -> None:
    available = availability(StandardNCADSA100v4Family=(0, 20))
    assert refused(claim(named(A100)), inputs(available)).reason == "QuotaExceeded"


def test_next_type_is_selected_when_quota_is_short() -> None:
    available = availability(sku(T4), sku(A100), t4=(0, 0), cores=PLENTY)
    assert selected(claim(named(T4, A100)), inputs(available)) == [A100]


# Restrictions


def test_restricted_type_is_reported() -> None:
    available = availability(sku(A100, restriction="NotAvailableForSubscription"))
    answer = refused(claim(named(A100)), inputs(available))
    assert answer.reason == "SkuNotAvailable"
    assert answer.message.startswith(
        f"{A100} is not available to this subscription in eastus (NotAvailableForSubscription). "
        "Request"
    )


def test_named_type_needs_no_listing() -> None:
    assert selected(claim(named(A100)), inputs(availability(sku(T4)))) == [A100]
    assert selected(claim(named(UNKNOWN)), inputs(availability(sku(T4)))) == [UNKNOWN]


def test_unnamed_type_must_be_listed() -> None:
    described = claim((SKU + "gpu-memory", "Gt", ["50000"]))
    assert selected(described, inputs(availability(sku(T4), sku(A100)))) == [A100]
    answer = refused(described, inputs(availability(sku(T4))))
    assert (answer.reason, "not listed" in answer.message) == ("SkuNotAvailable", True)


def test_disabled_subscription_has_no_offering() -> None:
    answer = refused(claim(named(T4)), inputs(disabled(sku(T4))))
    assert (answer.reason, answer.message) == ("SubscriptionDisabled", "subscription s is Disabled")
    assert answer.requeue_after_seconds is not None


def test_invalid_claim_is_reported_before_disabled_subscription() -> None:
    answer = refused(claim(), inputs(disabled()))
    assert answer.reason == "InvalidRequirements"


@pytest.mark.parametrize(
    ("available", "seconds"),
    [(availability(), None), (None, 61)],
    ids=["availability", "unknown availability"],
)
def test_invalid_claim_is_requeued_only_without_availability(
    available: Availability | None, seconds: float | None
) -> None:
    wanted = claim(named(UNKNOWN), (SKU + "gpu-count", "In", ["2"]))
    answer = refused(wanted, inputs(available))
    assert (answer.reason, answer.requeue_after_seconds) == ("InvalidRequirements", seconds)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((CAPACITY, "In", ["reserved"]), "use on-demand or spot"),
        ((CAPACITY, "NotIn", ["spot", "on-demand"]), "use on-demand or spot"),
        ((ZONE, "In", ["westus-1"]), "no zone meets it"),
    ],
    ids=["reserved", "neither", "another region's zone"],
)
def test_impossible_offering_is_reported(row: Row, text: str) -> None:
    answer = refused(claim(named(T4), row))
    assert answer.reason == "InvalidRequirements"
    assert text in answer.message


# Recent refusals


def test_recently_refused_type_is_skipped() -> None:
    where = inputs(unavailable=no_capacity(T4))
    assert selected(claim(named(T4, A100)), where) == [A100]
    assert selected(claim(named(T4), (CAPACITY, "In", ["spot"])), where) == [T4]


def test_single_refusal_shows_cloud_message() -> None:
    answer = refused(claim(named(T4)), inputs(unavailable=no_capacity(T4)))
    assert answer.reason == "InsufficientCapacity"
    assert answer.message == f"no capacity for {T4}. It is retried"


def test_refused_type_is_selected_again_after_expiry() -> None:
    later = inputs(unavailable=no_capacity(T4), now=NOW + timedelta(minutes=3))
    assert selected(claim(named(T4, A100)), later) == [T4, A100]


# Several reasons


def test_most_actionable_reason_comes_first() -> None:
    """Although the cheapest type has the reason that nobody can act on."""
    restriction = sku(A100, restriction="NotAvailableForSubscription")
    available = availability(sku(T4), restriction, sku(H100), StandardNCadsH100v5Family=(40, 40))
    answer = refused(claim(named(H100, A100, T4)), inputs(available, unavailable=no_capacity(T4)))
    assert answer.reason == "QuotaExceeded"
    order = [answer.message.index(word) for word in (
        "None of the 3 offerings", "Request 40 more vCPUs", f"{H100}: QuotaExceeded",
        f"{A100}: SkuNotAvailable", f"{T4}: InsufficientCapacity, no capacity",
    )]  # fmt: skip
    assert order == sorted(order)


def test_long_list_fits_into_a_condition() -> None:
    described = claim((SKU + "gpu-count", "Gt", ["0"]), (CAPACITY, "Exists", []))
    listed = [sku(t.name) for t in CATALOG.all() if t.retired_on is None]
    answer = refused(
        described, inputs(availability(*listed, cores=(0, 0), lowPriorityCores=(0, 0)))
    )
    assert answer.reason == "QuotaExceeded"
    assert len(answer.message) <= MAX_MESSAGE
    assert answer.message.endswith(" more")


# Requeue


@pytest.mark.parametrize(
    ("age", "unavailable", "seconds"),
    [
        (0, UnavailableOfferings(), 61),
        (50, UnavailableOfferings(), 11),
        (90, UnavailableOfferings(), 1),
    ],
    ids=["just read", "read a while ago", "read too long ago"],
)
def test_requeue_when_availability_is_refreshed(
    age: float, unavailable: UnavailableOfferings, seconds: float
) -> None:
    available = availability(sku(T4), t4=(0, 0))
    now = NOW + timedelta(seconds=age)
    answer = refused(claim(named(T4)), inputs(available, unavailable=unavailable, now=now))
    assert answer.requeue_after_seconds == seconds


def test_requeue_when_refusal_expires() -> None:
    now = NOW + timedelta(seconds=170)
    answer = refused(claim(named(T4)), inputs(unavailable=no_capacity(T4), now=now))
    assert answer.requeue_after_seconds == 11


@pytest.mark.parametrize(
    "answer",
    [
        refused(claim()),
        refused(claim(named(T4)), inputs(disabled())),
        refused(claim(named(T4)), inputs(availability(sku(T4, restriction="x")))),
        refused(claim(named(T4)), inputs(availability(sku(T4), cores=(0, 0)))),
        refused(claim(named(T4)), inputs(unavailable=no_capacity(T4))),
    ],
    ids=lambda answer: answer.reason,
)
def test_every_reason_is_in_the_table(answer: object) -> None:
    assert getattr(answer, "reason", "") in REASONS
