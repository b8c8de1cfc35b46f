"""vCPUs that were granted and that the usages do not show yet."""

from datetime import timedelta

from gpu_provisioner.offerings.quota_reservations import QuotaReservations
from tests.gpu_provisioner.offerings.builders import NOW

SIX = {"family": 6, "cores": 6}
SECOND = timedelta(seconds=1)


def test_promises_add_up_without_ones_own() -> None:
    ledger = QuotaReservations()
    for name in ("a", "b", "c"):
        ledger.reserve(name, SIX)
    ledger.reserve("c", {"lowprioritycores": 4})
    assert ledger.reserved(excluding="a") == {"family": 6, "cores": 6, "lowprioritycores": 4}


def test_asking_twice_counts_once() -> None:
    ledger = QuotaReservations()
    ledger.reserve("a", SIX)
    ledger.reserve("a", SIX)
    assert ledger.reserved(excluding="") == SIX


def test_usages_asked_for_later_show_it() -> None:
    ledger = QuotaReservations()
    ledger.reserve("a", SIX)
    ledger.confirm("a", NOW)
    ledger.drop_counted(NOW)
    assert ledger.reserved(excluding="") == SIX
    ledger.drop_counted(NOW + SECOND)
    assert ledger.reserved(excluding="") == {}


def test_what_is_not_accepted_yet_is_in_no_usages() -> None:
    ledger = QuotaReservations()
    ledger.reserve("a", SIX)
    ledger.drop_counted(NOW + SECOND)
    assert ledger.reserved(excluding="") == SIX


def test_the_first_moment_of_acceptance_counts() -> None:
    ledger = QuotaReservations()
    ledger.reserve("a", SIX)
    ledger.confirm("a", NOW)
    ledger.confirm("a", NOW + 10 * SECOND)
    ledger.drop_counted(NOW + SECOND)
    assert ledger.reserved(excluding="") == {}


def test_a_refused_claim_holds_nothing() -> None:
    ledger = QuotaReservations()
    ledger.reserve("a", SIX)
    ledger.release("a")
    ledger.release("never there")
    ledger.confirm("never there", NOW)
    assert ledger.reserved(excluding="") == {}
