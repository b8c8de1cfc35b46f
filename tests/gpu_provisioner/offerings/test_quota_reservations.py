"""vCPUs that were granted and that the usages do not show yet."""

from datetime import timedelta

from gpu_provisioner.offerings.quota_reservations import Ledger
from tests.gpu_provisioner.offerings.builders import NOW

SIX = {"family": 6, "cores": 6}
SECOND = timedelta(seconds=1)


def test_promises_add_up_without_ones_own() -> None:
    ledger = Ledger()
    for name in ("a", "b", "c"):
        ledger.promise(name, SIX)
    ledger.promise("c", {"lowprioritycores": 4})
    assert ledger.promised(but="a") == {"family": 6, "cores": 6, "lowprioritycores": 4}


def test_asking_twice_counts_once() -> None:
    ledger = Ledger()
    ledger.promise("a", SIX)
    ledger.promise("a", SIX)
    assert ledger.promised(but="") == SIX


def test_usages_asked_for_later_show_it() -> None:
    ledger = Ledger()
    ledger.promise("a", SIX)
    ledger.keep("a", NOW)
    ledger.shown(NOW)
    assert ledger.promised(but="") == SIX
    ledger.shown(NOW + SECOND)
    assert ledger.promised(but="") == {}


def test_what_is_not_accepted_yet_is_in_no_usages() -> None:
    ledger = Ledger()
    ledger.promise("a", SIX)
    ledger.shown(NOW + SECOND)
    assert ledger.promised(but="") == SIX


def test_the_first_moment_of_acceptance_counts() -> None:
    ledger = Ledger()
    ledger.promise("a", SIX)
    ledger.keep("a", NOW)
    ledger.keep("a", NOW + 10 * SECOND)
    ledger.shown(NOW + SECOND)
    assert ledger.promised(but="") == {}


def test_a_refused_claim_holds_nothing() -> None:
    ledger = Ledger()
    ledger.promise("a", SIX)
    ledger.release("a")
    ledger.release("never there")
    ledger.keep("never there", NOW)
    assert ledger.promised(but="") == {}
