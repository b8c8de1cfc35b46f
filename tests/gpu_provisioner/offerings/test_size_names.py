"""What the names of Azure's VM sizes contain."""

import pytest

from gpu_provisioner.offerings.size_names import SizeName, has_gpus, read

NAMES = [
    ("Standard_NC6", SizeName("N", "1", "")),
    ("Standard_NC6s_v3", SizeName("N", "3", "")),
    ("standard_nc6S_V3", SizeName("N", "3", "")),
    ("Standard_NC4as_T4_v3", SizeName("N", "3", "T4")),
    ("Standard_NC24ads_A100_v4", SizeName("N", "4", "A100")),
    ("Standard_ND96isr_H100_v5", SizeName("N", "5", "H100")),
    ("Standard_NCC40ads_H100_v5", SizeName("N", "5", "H100")),
    ("Standard_NG32ads_V620_v1", SizeName("N", "1", "V620")),
    ("Standard_ND96is_MI300X_v5", SizeName("N", "5", "MI300X")),
    ("Standard_D4s_v5", SizeName("D", "5", "")),
    ("Standard_D4ps_v6", SizeName("D", "6", "", "arm64")),
    ("Standard_E16-4s_v5", SizeName("E", "5", "")),
    ("Standard_M128", SizeName("M", "1", "")),
    ("Standard_NC6_Promo", SizeName()),
    ("p4d.24xlarge", SizeName()),
    ("", SizeName()),
]


@pytest.mark.parametrize(("name", "parsed"), NAMES, ids=[name or "empty" for name, _ in NAMES])
def test_size_name_is_parsed(name: str, parsed: SizeName) -> None:
    assert read(name) == parsed


def test_n_family_has_gpus() -> None:
    assert has_gpus("standard_NC6s_v3") and not has_gpus("Standard_D4s_v5")
