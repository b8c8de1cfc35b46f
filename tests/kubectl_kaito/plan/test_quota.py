"""`plan` shows what the subscription has left, and offers nothing that it cannot create."""

from typing import Any

from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.quotas.fake import FakeQuotas
from kubectl_kaito.quotas.source import Quota, QuotaSheet
from tests.kubectl_kaito.console import NOW
from tests.kubectl_kaito.installed import install
from tests.kubectl_kaito.plan.test_plan import A100, console

FAMILY = "standardncadsa100v4family"
SUBSCRIPTION = ["--subscription", "1-2-3"]


def sheet(left: int = 24, regional: int = 100, **more: Any) -> FakeQuotas:
    return FakeQuotas(
        QuotaSheet(
            region="eastus",
            families={FAMILY: Quota(24 - left, 24)},
            regional=Quota(0, regional),
            **more,
        )
    )


def test_what_is_left_and_the_zones_are_shown() -> None:
    quotas = sheet(zones={A100.lower(): ("1", "3")})
    made = console(quotas=quotas)
    document = made.run("plan", "--model", "phi-4", *SUBSCRIPTION, "-o", "json").json
    first = document["offers"][0]
    assert (first["instanceType"], first["quotaLeft"], first["regionalQuotaLeft"]) == (
        A100,
        24,
        100,
    )
    assert first["zones"] == ["1", "3"]
    assert not any("quota" in note for note in document["notes"])
    row = next(r for r in made.run("plan", "--model", "phi-4", *SUBSCRIPTION).out.splitlines()
               if r.startswith(A100))  # fmt: skip
    assert row.split()[-5:-2] == ["24", "1,3", "$3.67"]
    assert quotas.subscriptions == ["1-2-3", "1-2-3"]


def test_too_little_quota_is_not_possible_and_says_what_is_missing() -> None:
    result = console(quotas=sheet(left=6)).run("plan", "--model", "phi-4", *SUBSCRIPTION)
    assert (
        f"{A100}" in result.out.partition("NOT POSSIBLE")[2]
        and "needs 24 vCPUs of StandardNCADSA100v4Family, 6 of 24 left in eastus: request more "
        "quota, or use another region"
        in result.out
    )


def test_the_quota_of_the_region_counts_as_well() -> None:
    result = console(quotas=sheet(regional=10)).run("plan", "--model", "phi-4", *SUBSCRIPTION)
    assert "needs 24 vCPUs of the region, 10 of 10 left in eastus" in result.out
    assert result.code == 1


def test_an_instance_type_that_the_subscription_does_not_get_says_why() -> None:
    quotas = sheet(restricted={A100.lower(): "NotAvailableForSubscription"})
    result = console(quotas=quotas).run("plan", "--model", "phi-4", *SUBSCRIPTION)
    assert "the subscription does not get it in eastus (NotAvailableForSubscription)" in result.out


def test_without_a_subscription_nobody_is_asked_and_the_plan_says_so() -> None:
    quotas = sheet()
    document = console(quotas=quotas).run("plan", "--model", "phi-4", "-o", "json").json
    assert quotas.subscriptions == []
    assert document["offers"][0]["quotaLeft"] is None
    assert any("quota: unknown; --subscription" in note for note in document["notes"])


def test_a_login_that_fails_costs_the_quota_and_nothing_else() -> None:
    result = console(quotas=FakeQuotas()).run("plan", "--model", "phi-4", *SUBSCRIPTION)
    assert result.code == 0
    assert "Note: quota: unknown: az says 'Please run az login'" in result.out


def test_own_nodes_have_no_quota() -> None:
    made = console(quotas=sheet(left=0))
    assert isinstance(made.cluster, FakeCluster)
    install(made.cluster, NOW, variables={"KAITO_NODE_PROVISIONER": "byo"})
    document = made.run("plan", "--model", "phi-4", *SUBSCRIPTION, "-o", "json").json
    assert document["offers"] and made.quotas.subscriptions == []
    assert [p["name"] for p in document["offers"][0]["phases"]] == ["files", "loading"]
