"""Bugs in what is bought."""

import pytest

from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.offerings.selector import OfferingSelector
from tests.simulation.mutants.mutant import Mutant

_SELECTION = "gpu_provisioner/controllers/test_offering_selection.py"


def _quota_unreserved(monkeypatch: pytest.MonkeyPatch) -> None:
    def reserve(self: OfferingSelector, spec: PoolSpec) -> None:
        """Leaves the quota to whoever comes next."""

    monkeypatch.setattr(OfferingSelector, "reserve", reserve)


MUTANTS = (
    Mutant(
        "quota is promised to two claims",
        0,
        _quota_unreserved,
        unit_test=f"{_SELECTION}::test_ten_claims_with_quota_for_three_create_three_pools",
    ),
)
