"""Which instance types meet a claim, and the message where none does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.offerings.compatibility import compatible_types
from gpu_provisioner.offerings.requirements import IncompatibleRequirements
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from tests.gpu_provisioner.offerings.builders import (
    A10,
    A100,
    H100,
    SKU,
    T4,
    TYPE,
    UNKNOWN,
    V100,
    Row,
    availability,
    claim,
    inputs,
    named,
    sku,
)

SEVERAL = named(T4, A10, A100, H100)


def fits(wanted: Claim, known: SelectionInputs | None = None) -> list[str]:
    return [found.name for found in compatible_types(wanted, known or inputs())]


# One more requirement on four named types, and the types that meet it.
FILTERED: list[tuple[Row, list[str]]] = [
    ((SKU + "name", "In", [A100]), [A100]),
    ((SKU + "name", "NotIn", [A100, "standard_nc4as_t4_v3"]), [A10, H100]),
    ((TYPE, "In", [H100, T4]), [T4, H100]),
    ((TYPE, "In", ["STANDARD_NC40ADS_H100_V5"]), [H100]),
    ((TYPE, "NotIn", [T4, A10, H100]), [A100]),
    ((TYPE, "Exists", []), [T4, A10, A100, H100]),
    (("beta.kubernetes.io/instance-type", "In", [A10]), [A10]),
    ((SKU + "gpu-name", "In", ["A100", "H100"]), [A100, H100]),
    ((SKU + "gpu-name", "NotIn", ["T4"]), [A10, A100, H100]),
    ((SKU + "gpu-manufacturer", "In", ["nvidia"]), [T4, A10, A100, H100]),
    ((SKU + "gpu-count", "In", ["1"]), [T4, A10, A100, H100]),
    ((SKU + "gpu-count", "Gt", ["0"]), [T4, A10, A100, H100]),
    ((SKU + "gpu-count", "Lt", ["2"]), [T4, A10, A100, H100]),
    ((SKU + "gpu-memory", "Gt", ["40000"]), [A100, H100]),
    ((SKU + "gpu-memory", "Lt", ["24576"]), [T4]),
    ((SKU + "gpu-memory", "In", ["24576"]), [A10]),
    ((SKU + "cpu", "Gt", ["24"]), [A10, H100]),
    ((SKU + "cpu", "Lt", ["36"]), [T4, A100]),
    (("kubernetes.azure.com/sku-cpu", "In", ["40"]), [H100]),
    ((SKU + "memory", "Gt", ["225280"]), [A10, H100]),
    ((SKU + "family", "In", ["N"]), [T4, A10, A100, H100]),
    ((SKU + "version", "Gt", ["4"]), [A10, H100]),
    ((SKU + "version", "In", ["3"]), [T4]),
    (("kubernetes.io/arch", "In", ["amd64"]), [T4, A10, A100, H100]),
    (("kubernetes.io/arch", "NotIn", ["arm64"]), [T4, A10, A100, H100]),
    (("kubernetes.io/os", "In", ["linux"]), [T4, A10, A100, H100]),
    (("topology.kubernetes.io/region", "In", ["eastus", "westus"]), [T4, A10, A100, H100]),
    (("failure-domain.beta.kubernetes.io/region", "Exists", []), [T4, A10, A100, H100]),
    (("kaito.sh/machine-type", "In", ["gpu"]), [T4, A10, A100, H100]),
]


@pytest.mark.parametrize(
    ("row", "left"), FILTERED, ids=[f"{r[0]} {r[1]} {r[2]}" for r, _ in FILTERED]
)
def test_requirement_filters_types(row: Row, left: list[str]) -> None:
    assert fits(claim(SEVERAL, row)) == left


def test_requirements_on_one_key_intersect() -> None:
    between = [(SKU + "gpu-memory", "Gt", ["16384"]), (SKU + "gpu-memory", "Lt", ["90000"])]
    assert fits(claim(SEVERAL, *between)) == [A10, A100]
    assert fits(claim(SEVERAL, *between, (SKU + "gpu-memory", "NotIn", ["24576"]))) == [A100]


@pytest.mark.parametrize(
    ("rows", "requests", "some", "none"),
    [
        ([(SKU + "gpu-name", "In", ["T4"])], {}, T4, A100),
        ([(SKU + "gpu-count", "Gt", ["7"])], {}, "Standard_ND96isr_H100_v5", A100),
        ([(SKU + "gpu-memory", "Gt", ["80000"])], {}, A100, A10),
        ([(SKU + "family", "In", ["N"])], {}, T4, V100),
        ([(TYPE, "NotIn", [T4]), (SKU + "gpu-name", "Exists", [])], {}, A100, T4),
        ([], {"nvidia.com/gpu": "4"}, "Standard_NC96ads_A100_v4", A100),
        ([], {"amd.com/gpu": "1"}, "Standard_NG32ads_V620_v1", A100),
        ([], {"cpu": "30", "memory": "300Gi"}, H100, A100),
    ],
    ids=[
        "GPU by name", "GPU count", "GPU memory", "family", "not that one", "GPUs requested",
        "AMD's GPUs requested", "CPUs and memory requested",
    ],
)  # fmt: skip
def test_types_are_found_by_description(
    rows: list[Row], requests: dict[str, str], some: str, none: str
) -> None:
    left = fits(claim(*rows, requests=requests))
    assert some in left and none not in left


# A requirement on the claim's own labels, those labels, and whether it is met.
OWN = [
    (("karpenter.sh/nodepool", "In", ["kaito"]), {"karpenter.sh/nodepool": "kaito"}, True),
    (("karpenter.sh/nodepool", "In", ["kaito"]), {"karpenter.sh/nodepool": "other"}, False),
    (("karpenter.sh/nodepool", "In", ["kaito"]), {}, False),
    (("karpenter.sh/provisioner-name", "In", ["default"]),
     {"karpenter.sh/provisioner-name": "default"}, True),
    (("example.com/team", "In", ["a"]), {"example.com/team": "a"}, True),
    (("example.com/team", "In", ["a"]), {}, False),
    (("example.com/team", "NotIn", ["a"]), {}, True),
    (("example.com/team", "NotIn", ["a"]), {"example.com/team": "a"}, False),
    (("example.com/team", "Exists", []), {"example.com/team": "a"}, True),
    (("example.com/team", "Exists", []), {}, False),
    (("example.com/team", "DoesNotExist", []), {}, True),
    (("example.com/team", "DoesNotExist", []), {"example.com/team": "a"}, False),
    (("example.com/rank", "Gt", ["3"]), {"example.com/rank": "4"}, True),
    (("example.com/rank", "Gt", ["3"]), {}, False),
    (("example.com/rank", "Lt", ["3"]), {"example.com/rank": "4"}, False),
    (("kubernetes.io/os", "In", ["windows"]), {"kubernetes.io/os": "windows"}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "labels", "met"), OWN, ids=[f"{r[0]} {r[1]} {r[2]} of {own}" for r, own, _ in OWN]
)
def test_labels_of_claim_meet_requirements(row: Row, labels: dict[str, str], met: bool) -> None:
    wanted = claim(named(T4), row, labels=labels)
    if met:
        assert fits(wanted) == [T4]
        return
    with pytest.raises(IncompatibleRequirements) as error:
        fits(wanted)
    assert row[0] in str(error.value)


@pytest.mark.parametrize(
    ("requests", "left"),
    [
        ({"storage": "50Gi", "ephemeral-storage": "1Ti", "pods": "30"}, [T4, A10, A100, H100]),
        ({"nvidia.com/gpu": "1"}, [T4, A10, A100, H100]),
        ({"cpu": "24"}, [A10, A100, H100]),
        ({"cpu": "24500m"}, [A10, H100]),
        ({"memory": "220Gi"}, [A10, A100, H100]),
        ({"memory": "221Gi", "cpu": "40"}, [H100]),
    ],
    ids=["disk and pods", "a GPU", "CPUs", "a part of a CPU", "memory", "both"],
)
def test_requests_filter_types(requests: dict[str, str], left: list[str]) -> None:
    assert fits(claim(SEVERAL, requests=requests)) == left


def test_type_outside_catalog_is_compatible_by_name() -> None:
    usual = [
        ("kubernetes.io/arch", "In", ["amd64"]),
        ("kubernetes.io/os", "In", ["linux"]),
        ("kaito.sh/machine-type", "In", ["gpu"]),
        ("topology.kubernetes.io/region", "In", ["eastus"]),
    ]
    assert fits(claim(named(UNKNOWN), *usual)) == [UNKNOWN]


def test_availability_describes_types_outside_catalog() -> None:
    known = inputs(availability(sku(UNKNOWN, gpus=2)))
    wanted = claim(named(UNKNOWN), (SKU + "gpu-count", "In", ["2"]))
    assert fits(wanted, known) == [UNKNOWN]
    with pytest.raises(IncompatibleRequirements, match=r"is in no catalog"):
        fits(wanted)


def test_retired_type_is_compatible_if_named_or_listed() -> None:
    described = claim((SKU + "gpu-name", "In", ["V100"]))
    assert fits(claim(named(V100))) == [V100]
    with pytest.raises(IncompatibleRequirements):
        fits(described)
    assert fits(described, inputs(availability(sku(V100)))) == [V100]
    before = inputs(now=datetime(2025, 9, 29, tzinfo=UTC))
    assert V100 in fits(described, before)


@pytest.mark.parametrize(
    ("row", "met"),
    [
        ((TYPE, "In", [T4, A10, A100], 3), True),
        ((TYPE, "In", [T4, A10], 3), False),
        ((SKU + "gpu-name", "Exists", [], 2), True),
        ((SKU + "gpu-name", "In", ["T4"], 2), False),
        ((SKU + "name", "In", [A100], 1), True),
        (("topology.kubernetes.io/zone", "In", ["eastus-1"], 2), False),
        (("topology.kubernetes.io/zone", "In", ["eastus-1", "eastus-2"], 2), True),
    ],
    ids=[
        "three of three", "two of three", "two GPUs' names", "one GPU's name", "upstream's one",
        "one zone of two", "two zones",
    ],
)  # fmt: skip
def test_min_values_counts_remaining_values(row: Row, met: bool) -> None:
    wanted = claim(SEVERAL, row)
    if met:
        assert fits(wanted)
        return
    with pytest.raises(IncompatibleRequirements, match="minValues"):
        fits(wanted)


# Claims that no type meets, and what the message contains.
INCOMPATIBLE: list[tuple[str, list[Row], dict[str, Any], list[str]]] = [
    ("nothing", [], {}, ["names no node.kubernetes.io/instance-type", "operator In"]),
    ("only what says nothing", [("kubernetes.io/os", "In", ["linux"])], {"storage": "50Gi"},
     ["names no node.kubernetes.io/instance-type"]),
    ("two lists without a common type", [named(T4), (SKU + "name", "In", [A100])], {},
     ["no instance type meets both", "sku-name In [Standard_NC24ads_A100_v4]"]),
    ("too many GPUs", [SEVERAL, (SKU + "gpu-count", "Gt", ["8"])], {},
     ["sku-gpu-count Gt [8]", "has one of 1"]),
    ("a GPU that is not there", [(SKU + "gpu-name", "In", ["B200"])], {},
     ["sku-gpu-name In [B200]", "A100", "H100"]),
    ("Arm", [SEVERAL, ("kubernetes.io/arch", "In", ["arm64"])], {}, ["has one of amd64"]),
    ("Windows", [SEVERAL, ("kubernetes.io/os", "In", ["windows"])], {}, ["has one of linux"]),
    ("another region", [SEVERAL, ("topology.kubernetes.io/region", "In", ["westus"])], {},
     ["has one of eastus"]),
    ("a fact of an unknown type", [named(UNKNOWN), (SKU + "gpu-memory", "Gt", ["1"])], {},
     [UNKNOWN, "in no catalog", "name another type"]),
    ("no such key", [SEVERAL, ("karpenter.azure.com/sku-gpus", "In", ["1"])], {},
     ["karpenter.azure.com/sku-gpus", "docs/provisioning.md"]),
    ("an operator without values", [(TYPE, "In", [])], {}, [TYPE, "at least one value"]),
    ("a number that is none", [SEVERAL, (SKU + "cpu", "Gt", ["lots"])], {}, ["[lots]", "whole"]),
    ("too much memory", [SEVERAL], {"memory": "5Ti"},
     ["requests.memory '5Ti'", "the largest has 440Gi"]),
    ("too many GPUs requested", [SEVERAL], {"nvidia.com/gpu": "2"},
     ["requests.nvidia.com/gpu '2'", "the largest has 1"]),
    ("no quantity", [SEVERAL], {"cpu": "many"}, ["requests.cpu", "'many' is not a quantity"]),
    ("a resource that no machine has", [SEVERAL], {"example.com/fpga": "1"},
     ["requests.example.com/fpga '1'", "remove it"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "requests", "texts"),
    [case[1:] for case in INCOMPATIBLE],
    ids=[case[0] for case in INCOMPATIBLE],
)
def test_incompatible_requirements_are_reported(
    rows: list[Row], requests: dict[str, str], texts: list[str]
) -> None:
    with pytest.raises(IncompatibleRequirements) as error:
        fits(claim(*rows, requests=requests))
    for text in texts:
        assert text in str(error.value)
