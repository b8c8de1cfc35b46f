"""The labels of an instance type's node."""

import pytest

from gpu_provisioner.offerings.instance_types import Catalog, with_availability
from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku
from tests.gpu_provisioner.offerings.builders import (
    A100,
    CATALOG,
    UNKNOWN,
    V100,
    availability,
    sku,
)

AZURE = catalog.load().on(Cloud.AZURE).skus


@pytest.mark.parametrize("sku", AZURE, ids=lambda sku: sku.name)
def test_every_catalog_type_has_labels(sku: Sku) -> None:
    found = CATALOG.find(sku.name.upper())
    assert found.name == sku.name and found.in_catalog
    count = found.labels["karpenter.azure.com/sku-gpu-count"]
    memory = found.labels["karpenter.azure.com/sku-gpu-memory"]
    assert (int(count), int(memory)) == (sku.gpus.count, sku.gpus.memory_gib * 1024)
    assert found.labels["karpenter.azure.com/sku-family"] == "N"
    assert found.labels["karpenter.azure.com/sku-gpu-manufacturer"] == sku.gpus.vendor
    accelerator = found.labels["karpenter.azure.com/sku-gpu-name"]
    assert accelerator in sku.gpus.model and " " not in accelerator
    assert found.labels["kaito.sh/machine-type"] == "gpu"


def test_aliases_share_one_instance_type() -> None:
    assert CATALOG.find("Standard_ND96asr_A100_v4").name == "Standard_ND96asr_v4"
    names = [found.name for found in CATALOG.all()]
    assert sorted(names) == sorted(sku.name for sku in AZURE)


def test_region_is_that_of_catalog() -> None:
    assert Catalog.of("westeurope").find(V100).labels["topology.kubernetes.io/region"] == (
        "westeurope"
    )


def test_unknown_type_has_labels_from_its_name() -> None:
    found = CATALOG.find(UNKNOWN)
    assert found.name == UNKNOWN and not found.in_catalog
    assert found.labels["karpenter.azure.com/sku-version"] == "9"
    assert found.labels["kubernetes.io/arch"] == "amd64"
    assert "karpenter.azure.com/sku-gpu-count" not in found.labels
    assert found.vcpus is None and found.price is None


def test_unknown_type_has_labels_from_availability() -> None:
    known = with_availability(
        CATALOG.find("Standard_D4ps_v6"),
        availability(sku("Standard_D4ps_v6", memory_gib=16.0, gpus=0, arch="arm64")),
    )
    assert known.vcpus == 4 and known.family == "otherFamily"
    assert known.labels["karpenter.azure.com/sku-memory"] == "16384"
    assert known.labels["karpenter.azure.com/sku-gpu-count"] == "0"
    assert known.labels["kubernetes.io/arch"] == "arm64"
    assert known.resources["cpu"] == 4


def test_availability_overrides_quota_family() -> None:
    known = with_availability(CATALOG.find(A100), availability(sku(A100)))
    assert (known.vcpus, known.family) == (24, "StandardNCADSA100v4Family")
    assert known.labels == CATALOG.find(A100).labels
    assert with_availability(CATALOG.find(A100), None) == CATALOG.find(A100)
