"""The catalog of instance types: plausible data, look-ups, and the mistakes that it rejects."""

import itertools
from datetime import date

import pytest

from kaito_skus import catalog
from kaito_skus.records import DataError
from kaito_skus.sku import Cloud, CudaCapability, GpuDriver, Sku, Vendor

SKUS = catalog.load()

ONE_SERIES = """
cloud: azure
prices: {source: list, region: eastus, as_of: "2025"}
series:
  - quota_family: family
    gpu: {model: NVIDIA V100, vendor: nvidia, gib: 16, cuda: "7.0"}
    nvme: false
    sizes:
      - {name: Standard_A, gpus: 1, vcpus: 6, gib: 112}
"""


def test_every_cloud_has_instance_types() -> None:
    assert {sku.cloud for sku in SKUS.skus} == set(Cloud)


@pytest.mark.parametrize("sku", SKUS.skus, ids=lambda sku: sku.name)
def test_sizes_are_plausible(sku: Sku) -> None:
    assert 1 <= sku.gpus.count <= 16
    assert 4 <= sku.gpus.memory_gib <= 141
    assert sku.vcpus >= sku.gpus.count
    assert sku.price_usd_hour is None or 0.1 < sku.price_usd_hour / sku.gpus.count < 20
    assert (sku.quota_family is not None) == (sku.cloud is Cloud.AZURE)


@pytest.mark.parametrize(
    ("name", "gpus", "total_gib"),
    [
        ("Standard_NC6", 1, 12),
        ("Standard_NC24r", 4, 48),
        ("Standard_NV24", 4, 32),
        ("Standard_NV48s_v3", 4, 32),
        ("Standard_ND24rs", 4, 96),
        ("Standard_NC24rs_v2", 4, 64),
        ("Standard_NC6s_v3", 1, 16),
        ("Standard_NC12s_v3", 2, 32),
        ("Standard_ND40rs_v2", 8, 256),
        ("Standard_NC64as_T4_v3", 4, 64),
        ("Standard_ND96asr_v4", 8, 320),
        ("Standard_ND96amsr_A100_v4", 8, 640),
        ("Standard_NC96ads_A100_v4", 4, 320),
        ("Standard_NV6ads_A10_v5", 1, 4),
        ("Standard_NV72ads_A10_v5", 2, 48),
        ("Standard_NC80adis_H100_v5", 2, 188),
        ("Standard_ND96isr_H200_v5", 8, 1128),
        ("Standard_NG32adms_V620_v1", 1, 32),
        ("p4de.24xlarge", 8, 640),
        ("g6.48xlarge", 8, 192),
        ("trn1.32xlarge", 16, 512),
        ("Standard_NC32_A16", 2, 32),
    ],
)
def test_gpus_of(name: str, gpus: int, total_gib: float) -> None:
    sku = SKUS.find(name)
    assert sku is not None
    assert (sku.gpus.count, sku.gpus.total_memory_gib) == (gpus, total_gib)


def test_instance_type_of_the_walkthrough() -> None:
    sku = SKUS.find("standard_nc6s_V3")
    assert sku is not None
    assert sku.name == "Standard_NC6s_v3"
    assert str(sku.gpus) == "1x NVIDIA V100 16 GiB"
    assert sku.gpus.cuda_capability == CudaCapability(7, 0)
    assert (sku.vcpus, sku.memory_gib, sku.quota_family) == (6, 112, "standardNCSv3Family")
    assert sku.gpu_driver is GpuDriver.CUDA
    assert sku.retired_on == date(2025, 9, 30)


def test_alias_finds_the_cloud_name() -> None:
    sku = SKUS.find("Standard_ND96asr_A100_v4")
    assert sku is not None
    assert sku.name == "Standard_ND96asr_v4"


def test_unknown_name_is_not_found() -> None:
    assert SKUS.find("Standard_D2s_v5") is None


def test_fitting_is_sorted_by_price_with_unknown_prices_last() -> None:
    fitting = SKUS.fitting()
    known = [sku.price_usd_hour for sku in fitting if sku.price_usd_hour is not None]
    assert known == sorted(known)
    assert all(sku.price_usd_hour is None for sku in fitting[len(known) :])


@pytest.mark.parametrize(
    ("gpus", "total_gib", "per_gpu_gib", "cheapest"),
    [
        (1, 0, 0, "Standard_NV6ads_A10_v5"),
        (1, 16, 0, "Standard_NC4as_T4_v3"),
        (2, 0, 0, "Standard_NC64as_T4_v3"),
        (1, 0, 80, "Standard_NC24ads_A100_v4"),
        (4, 300, 80, "Standard_NC96ads_A100_v4"),
        (1, 1000, 0, "Standard_ND96isr_H200_v5"),
    ],
)
def test_fitting_starts_with_the_cheapest(
    gpus: int, total_gib: float, per_gpu_gib: float, cheapest: str
) -> None:
    fitting = SKUS.on(Cloud.AZURE).fitting(
        min_gpus=gpus, min_memory_gib=total_gib, min_memory_per_gpu_gib=per_gpu_gib
    )
    assert fitting[0].name == cheapest


def test_fitting_excludes_retired_types_and_other_vendors() -> None:
    assert all(sku.retired_on is None for sku in SKUS.fitting())
    assert {sku.gpus.vendor for sku in SKUS.fitting(vendor=Vendor.AMD)} == {Vendor.AMD}


def test_requiring_more_never_fits_more() -> None:
    offers = [set(SKUS.fitting(min_memory_gib=gib)) for gib in (0, 16, 80, 320, 1128, 2000)]
    assert all(larger >= smaller for larger, smaller in itertools.pairwise(offers))
    assert not offers[-1]


def test_file_is_parsed() -> None:
    (sku,) = catalog.parse("azure.yaml", ONE_SERIES)
    assert (sku.name, sku.price_usd_hour, sku.retired_on) == ("Standard_A", None, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cloud: azure", "cloud: gcp", "azure.yaml: cloud: 'gcp' is not one of azure, aws, arc"),
        ("cloud: azure", "cloud: aws", "azure.yaml: cloud: 'aws' belongs in aws.yaml"),
        ("gib: 16,", "gib: -1,", "series[0].gpu.gib: -1 is not a number of at least 0"),
        ('"7.0"', '"seven"', "series[0].gpu.cuda: 'seven' is not a capability such as"),
        (', cuda: "7.0"', "", "series[0].gpu.cuda: None must be set for NVIDIA GPUs"),
        ("gpus: 1", "gpus: 0", "series[0].sizes[0].gpus: 0 is not a whole number of at least 1"),
        ("gpus: 1", "gpus: true", "series[0].sizes[0].gpus: True is not a whole number"),
        ("gpus: 1, ", "", "series[0].sizes[0].gpus: None is missing"),
        ("vcpus: 6", "vcpus: 6, disk: 1", "series[0].sizes[0].disk: 1 is an unknown field"),
        ("name: Standard_A", "name: A, aliases: B", "aliases: 'B' is not a list of strings"),
        ("series:\n", "series: {}\nold:\n", "azure.yaml: series: {} is not a list"),
        ("nvme: false", "nvme: 0", "series[0].nvme: 0 is not true or false"),
        (
            "nvme: false",
            "nvme: false\n    retired_on: soon",
            "series[0].retired_on: 'soon' is not a date",
        ),
        ("name: Standard_A", 'name: ""', "series[0].sizes[0].name: '' is not a string"),
    ],
)
def test_mistake_names_file_field_and_value(old: str, new: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        catalog.parse("azure.yaml", ONE_SERIES.replace(old, new, 1))
    assert message in str(error.value)


def test_two_instance_types_cannot_share_a_name() -> None:
    (sku,) = catalog.parse("azure.yaml", ONE_SERIES)
    with pytest.raises(DataError, match="name: 'Standard_A' appears twice"):
        catalog.collect([sku, sku])


@pytest.mark.parametrize("text", ["- a", "a: [", "a: b: c"])
def test_file_must_be_a_mapping(text: str) -> None:
    with pytest.raises(DataError):
        catalog.parse("azure.yaml", text)


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("Standard_NC4as_T4_v3", 65),
        ("Standard_NC24ads_A100_v4", 312),
        ("Standard_NC6s_v3", 112),
        ("p3.2xlarge", 125),
        ("Standard_ND96isr_H100_v5", 989),
        # No useful half precision, a slice, and a vendor without a comparable figure.
        ("Standard_NC6", None),
        ("Standard_NV6ads_A10_v5", None),
        ("trn1.2xlarge", None),
    ],
)
def test_half_precision_peak_of_one_gpu(name: str, tflops: float | None) -> None:
    sku = SKUS.find(name)
    assert sku is not None
    assert sku.gpus.half_tflops == tflops


def test_gpus_that_are_sold_today_have_a_known_peak() -> None:
    assert [
        sku.name for sku in SKUS.fitting(min_memory_per_gpu_gib=16) if sku.gpus.half_tflops is None
    ] == []


def test_recorded_prices_have_a_region_and_a_date() -> None:
    prices = catalog.price_list(Cloud.AZURE)
    assert prices.region == "eastus"
    assert prices.as_of
