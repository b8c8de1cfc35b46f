"""vCPUs of created pools that the usages do not count yet."""

from datetime import timedelta

from gpu_provisioner.offerings.quota_reservations import QuotaReservations
from tests.gpu_provisioner.offerings.builders import NOW

SIX = {"family": 6, "cores": 6}
SECOND = timedelta(seconds=1)


def test_reservations_add_up_without_the_excluded_claim() -> None:
    reservations = QuotaReservations()
    for name in ("a", "b", "c"):
        reservations.reserve(name, SIX)
    reservations.reserve("c", {"lowprioritycores": 4})
    assert reservations.reserved(excluding="a") == {"family": 6, "cores": 6, "lowprioritycores": 4}


def test_reserving_twice_counts_once() -> None:
    reservations = QuotaReservations()
    reservations.reserve("a", SIX)
    reservations.reserve("a", SIX)
    assert reservations.reserved(excluding="") == SIX


def test_later_usages_count_the_pool() -> None:
    reservations = QuotaReservations()
    reservations.reserve("a", SIX)
    reservations.confirm("a", NOW)
    reservations.drop_counted(NOW)
    assert reservations.reserved(excluding="") == SIX
    reservations.drop_counted(NOW + SECOND)
    assert reservations.reserved(excluding="") == {}


def test_unconfirmed_reservation_is_kept() -> None:
    reservations = QuotaReservations()
    reservations.reserve("a", SIX)
    reservations.drop_counted(NOW + SECOND)
    assert reservations.reserved(excluding="") == SIX


def test_first_confirmation_counts() -> None:
    reservations = QuotaReservations()
    reservations.reserve("a", SIX)
    reservations.confirm("a", NOW)
    reservations.confirm("a", NOW + 10 * SECOND)
    reservations.drop_counted(NOW + SECOND)
    assert reservations.reserved(excluding="") == {}


def test_refused_claim_reserves_nothing() -> None:
    reservations = QuotaReservations()
    reservations.reserve("a", SIX)
    reservations.release("a")
    reservations.release("never there")
    reservations.confirm("never there", NOW)
    assert reservations.reserved(excluding="") == {}
