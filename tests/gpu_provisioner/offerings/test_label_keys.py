"""The label keys of requirements, and the page that documents them."""

from pathlib import Path

import pytest

from gpu_provisioner.offerings import label_keys

PAGE = Path(__file__).resolve().parents[3] / "docs" / "provisioning.md"


@pytest.mark.parametrize("key", sorted(label_keys.OF_TYPE | label_keys.OF_OFFERING))
def test_every_label_key_is_documented(key: str) -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{key}`" in row for row in rows)


@pytest.mark.parametrize(
    ("old", "key"),
    [
        ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
        ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("kubernetes.azure.com/sku-memory", "karpenter.azure.com/sku-memory"),
        ("example.com/team", "example.com/team"),
    ],
)
def test_deprecated_keys_have_canonical_names(old: str, key: str) -> None:
    assert label_keys.canonical(old) == key
