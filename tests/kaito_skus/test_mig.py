"""MIG profiles and their names."""

import pytest

from kaito_skus import mig
from kaito_skus.sku import MigProfile


@pytest.mark.parametrize("profile", mig.PROFILES, ids=lambda profile: profile.name)
def test_name_is_parsed(profile: MigProfile) -> None:
    assert mig.parse(profile.name) == profile


@pytest.mark.parametrize("name", ["", "all-disabled", "1g.7gb", "5g.40gb", "3g.40", "3g.40gb.me"])
def test_unsupported_profile_is_none(name: str) -> None:
    assert mig.parse(name) is None


def test_slice_is_one_gpu_with_its_memory() -> None:
    gpus = mig.slice_of(MigProfile(3, 40))
    assert (gpus.count, gpus.total_memory_gib) == (1, 40)
    assert MigProfile(3, 40).resource == "nvidia.com/mig-3g.40gb"
