"""Bugs in what is bought."""

from collections.abc import Iterable, Sequence

import pytest

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.offerings import selection, zones
from gpu_provisioner.offerings.selector import OfferingSelector
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant

_SELECTION = "gpu_provisioner/controllers/test_offering_selection.py"


def _quota_unreserved(monkeypatch: pytest.MonkeyPatch) -> None:
    def reserve(self: OfferingSelector, spec: PoolSpec) -> None:
        """Leaves the quota to whoever comes next."""

    monkeypatch.setattr(OfferingSelector, "reserve", reserve)


def _zones_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def allowed(
        requirements: Sequence[Requirement], region: str, present: Iterable[str]
    ) -> tuple[str, ...]:
        return tuple(sorted(present))

    monkeypatch.setattr(zones, "allowed", allowed)


def _spot_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_capacity_types", lambda claim: (True, False))


MUTANTS = (
    Mutant(
        "the zones of a claim are ignored",
        500,
        _zones_unread,
        needs=Fault.ZONES,
        unit_test="gpu_provisioner/offerings/test_zones.py::test_zones_are_filtered",
    ),
    Mutant(
        "spot machines are bought where they are not allowed",
        500,
        _spot_first,
    ),
    Mutant(
        "quota is promised to two claims",
        0,
        _quota_unreserved,
        unit_test=f"{_SELECTION}::test_ten_claims_with_quota_for_three_create_three_pools",
    ),
)
