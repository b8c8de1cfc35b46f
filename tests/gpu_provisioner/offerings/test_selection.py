"""The machine that a claim gets, and why it gets none."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.offerings.unavailable_offerings import Unavailable, offerings
from kaito_api.conditions import MAX_MESSAGE
from kaito_api.reasons import REASONS, Reason
from tests.gpu_provisioner.offerings.builders import (
    A10,
    A100,
    CAPACITY,
    CATALOGUE,
    H100,
    NOW,
    SKU,
    T4,
    T4_FAMILY,
    UNKNOWN,
    ZONE,
    Row,
    candidates,
    chosen,
    claim,
    disabled,
    market,
    named,
    offer,
    refused,
    scene,
)

PLENTY = (0, 1000)
A100_FAMILY = "StandardNCADSA100v4Family"


def no_capacity(*offered: str, spot: bool = False) -> Unavailable:
    found = Unavailable()
    for name in offered:
        error = LaunchRefused(
            Reason.INSUFFICIENT_CAPACITY, f"no capacity for {name}. It is tried again"
        )
        found.refuse(offerings(name, (), spot=spot), error, NOW, late=False)
    return found


# Order


def test_the_cheapest_comes_first_whatever_the_claims_order() -> None:
    assert chosen(claim(named(H100, A100, T4, A10))) == [T4, A10, A100, H100]


def test_a_type_without_a_price_comes_last() -> None:
    assert chosen(claim(named(UNKNOWN, H100, T4))) == [T4, H100, UNKNOWN]


def test_spot_machines_are_tried_first_where_they_are_allowed() -> None:
    both = claim(named(A100, T4), (CAPACITY, "In", ["on-demand", "spot"]))
    tried = [(one.instance_type, one.spot) for one in candidates(both, scene())]
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
def test_capacity_types(rows: list[Row], spot: list[bool]) -> None:
    assert [one.spot for one in candidates(claim(named(T4), *rows), scene())] == spot


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
@pytest.mark.parametrize("goods", [None, market(offer(T4))], ids=["unknown market", "market"])
def test_zones(rows: list[Row], zones: tuple[str, ...], goods: Market | None) -> None:
    assert [one.zones for one in candidates(claim(named(T4), *rows), scene(goods))] == [zones]


def test_a_zone_withheld_is_not_asked_for() -> None:
    goods = market(offer(T4, zones_withheld=frozenset({"1"})))
    both = claim(named(T4), (ZONE, "In", ["eastus-1", "eastus-2"]))
    assert [one.zones for one in candidates(both, scene(goods))] == [("2",)]
    answer = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), scene(goods))
    assert answer.reason == "SkuNotAvailable"
    assert f"{T4} is not sold to this subscription in eastus-1" in answer.message
    assert "it is in eastus-2, eastus-3" in answer.message


def test_a_region_without_zones_says_so() -> None:
    goods = market(offer(T4, zones=frozenset()))
    assert chosen(claim(named(T4)), scene(goods)) == [T4]
    answer = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), scene(goods))
    assert (answer.reason, "in no zone of the region" in answer.message) == (
        "SkuNotAvailable",
        True,
    )


def test_a_zone_refused_of_late_is_left_out() -> None:
    unavailable = Unavailable()
    error = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "no capacity in zone 1")
    unavailable.refuse(offerings(T4, ("1",), spot=False), error, NOW, late=True)
    asked = claim(named(T4), (ZONE, "In", ["eastus-1", "eastus-2"]))
    where = scene(unavailable=unavailable)
    assert [one.zones for one in candidates(asked, where)] == [("2",)]
    assert chosen(claim(named(T4)), where) == [T4]
    only = refused(claim(named(T4), (ZONE, "In", ["eastus-1"])), where)
    assert (only.reason, only.message) == ("InsufficientCapacity", "no capacity in zone 1")


# Quota

# used and limit of family, region and spot; what others were promised; whether 4 vCPUs are had
QUOTAS = [
    ("all is there", {"t4": (0, 4), "cores": (0, 4)}, {}, False, True),
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
    ("quota", "promised", "spot", "had"), [c[1:] for c in QUOTAS], ids=[c[0] for c in QUOTAS]
)
def test_quota(
    quota: dict[str, tuple[int, int]], promised: dict[str, int], spot: bool, had: bool
) -> None:
    asked = claim(named(T4), (CAPACITY, "In", ["spot" if spot else "on-demand"]))
    where = scene(market(offer(T4), **quota), promised=promised)
    if had:
        assert chosen(asked, where) == [T4]
    else:
        assert refused(asked, where).reason == "QuotaExceeded"


def test_a_shortage_is_told_with_its_numbers_and_remedy() -> None:
    goods = market(offer(A100), StandardNCADSA100v4Family=(18, 24), cores=(0, 1000))
    answer = refused(claim(named(A100)), scene(goods, promised={A100_FAMILY.lower(): 2}))
    assert answer.message == (
        f"{A100} in eastus needs 24 vCPUs of quota {A100_FAMILY}, and 4 of 24 are left (18 used, 2 "
        f"promised to other claims): 20 are missing. Ask for 20 more vCPUs of quota {A100_FAMILY} "
        "in eastus, or use another resource.instanceType."
    )


def test_both_shortages_are_told() -> None:
    goods = market(offer(A100), StandardNCADSA100v4Family=(0, 0), cores=(95, 100))
    message = refused(claim(named(A100)), scene(goods)).message
    assert "24 vCPUs of quota StandardNCADSA100v4Family, and 0 of 0 are left" in message
    assert "24 vCPUs of the region's quota (cores), and 5 of 100 are left (95 used)" in message


def test_without_the_market_the_catalogue_knows_what_a_type_takes() -> None:
    goods = market(StandardNCADSA100v4Family=(0, 20))
    assert refused(claim(named(A100)), scene(goods)).reason == "QuotaExceeded"


def test_the_next_type_is_taken_where_quota_is_short() -> None:
    goods = market(offer(T4), offer(A100), t4=(0, 0), cores=PLENTY)
    assert chosen(claim(named(T4, A100)), scene(goods)) == [A100]


# What is sold


def test_what_is_withheld_is_told_at_once() -> None:
    goods = market(offer(A100, withheld="NotAvailableForSubscription"))
    answer = refused(claim(named(A100)), scene(goods))
    assert answer.reason == "SkuNotAvailable"
    assert answer.message.startswith(
        f"{A100} is not sold to this subscription in eastus (NotAvailableForSubscription). Ask"
    )


def test_a_named_type_that_is_not_listed_is_for_aks_to_judge() -> None:
    assert chosen(claim(named(A100)), scene(market(offer(T4)))) == [A100]
    assert chosen(claim(named(UNKNOWN)), scene(market(offer(T4)))) == [UNKNOWN]


def test_a_described_type_must_be_listed() -> None:
    described = claim((SKU + "gpu-memory", "Gt", ["50000"]))
    assert chosen(described, scene(market(offer(T4), offer(A100)))) == [A100]
    answer = refused(described, scene(market(offer(T4))))
    assert (answer.reason, "not listed" in answer.message) == ("SkuNotAvailable", True)


def test_a_disabled_subscription_may_buy_nothing() -> None:
    answer = refused(claim(named(T4)), scene(disabled(offer(T4))))
    assert (answer.reason, answer.message) == ("SubscriptionDisabled", "subscription s is Disabled")
    assert answer.look_again is not None


def test_a_wrong_claim_is_told_before_a_disabled_subscription() -> None:
    answer = refused(claim(), scene(disabled()))
    assert answer.reason == "InvalidRequirements"


@pytest.mark.parametrize(
    ("goods", "seconds"), [(market(), None), (None, 61)], ids=["market", "unknown market"]
)
def test_a_wrong_claim_is_looked_at_again_only_where_the_market_may_know_better(
    goods: Market | None, seconds: float | None
) -> None:
    asked = claim(named(UNKNOWN), (SKU + "gpu-count", "In", ["2"]))
    answer = refused(asked, scene(goods))
    assert (answer.reason, answer.look_again) == ("InvalidRequirements", seconds)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((CAPACITY, "In", ["reserved"]), "use on-demand or spot"),
        ((CAPACITY, "NotIn", ["spot", "on-demand"]), "use on-demand or spot"),
        ((ZONE, "In", ["westus-1"]), "no zone meets it"),
    ],
    ids=["reserved", "neither", "another region's zone"],
)
def test_what_no_offering_can_be_is_said(row: Row, words: str) -> None:
    answer = refused(claim(named(T4), row))
    assert answer.reason == "InvalidRequirements"
    assert words in answer.message


# What was refused of late


def test_what_was_refused_of_late_is_passed_over() -> None:
    where = scene(unavailable=no_capacity(T4))
    assert chosen(claim(named(T4, A100)), where) == [A100]
    assert chosen(claim(named(T4), (CAPACITY, "In", ["spot"])), where) == [T4]


def test_alone_it_is_told_in_the_clouds_words() -> None:
    answer = refused(claim(named(T4)), scene(unavailable=no_capacity(T4)))
    assert answer.reason == "InsufficientCapacity"
    assert answer.message == f"no capacity for {T4}. It is tried again"


def test_it_is_chosen_again_once_that_has_passed() -> None:
    later = scene(unavailable=no_capacity(T4), now=NOW + timedelta(minutes=3))
    assert chosen(claim(named(T4, A100)), later) == [T4, A100]


# Several causes


def test_several_causes_make_one_message_most_actionable_first() -> None:
    """Though the cheapest is the one that nothing can be done about."""
    withheld = offer(A100, withheld="NotAvailableForSubscription")
    goods = market(offer(T4), withheld, offer(H100), StandardNCadsH100v5Family=(40, 40))
    answer = refused(claim(named(H100, A100, T4)), scene(goods, unavailable=no_capacity(T4)))
    assert answer.reason == "QuotaExceeded"
    order = [answer.message.index(word) for word in (
        "None of the 3 offerings", "Ask for 40 more vCPUs", f"{H100}: QuotaExceeded",
        f"{A100}: SkuNotAvailable", f"{T4}: InsufficientCapacity, no capacity",
    )]  # fmt: skip
    assert order == sorted(order)


def test_a_long_list_is_cut_to_what_a_condition_holds() -> None:
    described = claim((SKU + "gpu-count", "Gt", ["0"]), (CAPACITY, "Exists", []))
    sold = [offer(t.name) for t in CATALOGUE.all() if t.retired_on is None]
    answer = refused(described, scene(market(*sold, cores=(0, 0), lowPriorityCores=(0, 0))))
    assert answer.reason == "QuotaExceeded"
    assert len(answer.message) <= MAX_MESSAGE
    assert answer.message.endswith(" more")


# When it is looked at again


@pytest.mark.parametrize(
    ("age", "unavailable", "seconds"),
    [(0, Unavailable(), 61), (50, Unavailable(), 11), (90, Unavailable(), 1)],
    ids=["just read", "read a while ago", "read too long ago"],
)
def test_looked_at_again_when_the_market_is_read_anew(
    age: float, unavailable: Unavailable, seconds: float
) -> None:
    goods = market(offer(T4), t4=(0, 0))
    now = NOW + timedelta(seconds=age)
    answer = refused(claim(named(T4)), scene(goods, unavailable=unavailable, now=now))
    assert answer.look_again == seconds


def test_looked_at_again_when_a_refusal_passes() -> None:
    now = NOW + timedelta(seconds=170)
    answer = refused(claim(named(T4)), scene(unavailable=no_capacity(T4), now=now))
    assert answer.look_again == 11


@pytest.mark.parametrize(
    "answer",
    [
        refused(claim()),
        refused(claim(named(T4)), scene(disabled())),
        refused(claim(named(T4)), scene(market(offer(T4, withheld="x")))),
        refused(claim(named(T4)), scene(market(offer(T4), cores=(0, 0)))),
        refused(claim(named(T4)), scene(unavailable=no_capacity(T4))),
    ],
    ids=lambda answer: answer.reason,
)
def test_every_reason_is_in_the_table(answer: object) -> None:
    assert getattr(answer, "reason", "") in REASONS
