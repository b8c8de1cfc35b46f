"""The estimate of nodes: upstream's examples, every number, incompatibilities, and monotonicity."""

import pytest

from kaito_presets import catalog
from kaito_presets.estimate import Estimate, estimate
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason
from kaito_presets.preset import Preset
from kaito_skus import catalog as sku_catalog
from kaito_skus import mig
from kaito_skus.sku import CudaCapability, GpuSet, MigProfile, Vendor

PRESETS = catalog.load()
SKUS = sku_catalog.load()


def preset(name: str) -> Preset:
    found = PRESETS.find(name)
    assert found is not None
    return found


def gpus(sku_name: str) -> GpuSet:
    sku = SKUS.find(sku_name)
    assert sku is not None
    return sku.gpus


def of_size(memory_gib: float, count: int = 1) -> GpuSet:
    return GpuSet(model="NVIDIA Test", vendor=Vendor.NVIDIA, count=count, memory_gib=memory_gib)


@pytest.mark.parametrize(
    ("model", "sku", "nodes"),
    [
        ("phi-4", "Standard_NC24ads_A100_v4", 1),
        ("llama-3.3-70b-instruct", "Standard_NC24ads_A100_v4", 3),
        ("llama-3.3-70b-instruct", "Standard_NC48ads_A100_v4", 2),
        ("llama-3.3-70b-instruct", "Standard_NC96ads_A100_v4", 1),
        ("phi-3-mini-128k-instruct", "Standard_NC6s_v3", 1),
        ("falcon-7b", "Standard_NC12s_v3", 1),
        ("mistral-7b", "Standard_NC6s_v3", 2),
        ("llama-2-13b", "Standard_NC24ads_A100_v4", 2),
        ("llama-2-70b-chat", "Standard_NC96ads_A100_v4", 2),
        ("deepseek-r1-0528", "Standard_ND96isr_H100_v5", 2),
        ("deepseek-r1-0528", "Standard_ND96isr_H200_v5", 1),
    ],
)
def test_number_of_nodes(model: str, sku: str, nodes: int) -> None:
    result = estimate(preset(model), gpus(sku))
    assert isinstance(result, Estimate)
    assert result.nodes == nodes


def test_intermediate_numbers() -> None:
    result = estimate(preset("llama-3.3-70b-instruct"), gpus("Standard_NC24ads_A100_v4"))
    assert isinstance(result, Estimate)
    assert result.weights_gib == pytest.approx(134.05, abs=0.01)
    assert result.kv_bytes_per_token == 327_680
    assert result.kv_gib == pytest.approx(0.625)
    assert result.available_gib == pytest.approx((80 * 0.84 - 2.3 - 0.625) / 1.05)
    assert (result.gpus_for_weights, result.min_gpus) == (3, 3)


def test_explanation_shows_the_arithmetic() -> None:
    result = estimate(preset("phi-4"), gpus("Standard_NC24ads_A100_v4"))
    assert isinstance(result, Estimate)
    assert result.explain() == (
        "1 node of 1x NVIDIA A100 80 GiB: 27.86 GiB of weights; each GPU holds (80 × 0.84 − 2.3 "
        "base − 0.39 KV cache of 2048 tokens × 204800 bytes) / 1.05 = 61.44 GiB, "
        "so the model needs 1 GPU"
    )


def test_preset_can_require_more_gpus_than_its_weights_need() -> None:
    result = estimate(preset("llama-2-70b"), of_size(80, count=4))
    assert isinstance(result, Estimate)
    assert (result.gpus_for_weights, result.min_gpus) == (3, 8)
    assert result.explain().endswith("so the model needs 3 GPUs, and the preset requires 8")


def test_gpus_of_a_node_share_the_kv_cache() -> None:
    model = preset("phi-4")
    one, four = (estimate(model, of_size(24, count), context_tokens=16384) for count in (1, 4))
    assert isinstance(one, Estimate)
    assert isinstance(four, Estimate)
    assert one.kv_gib == pytest.approx(4 * four.kv_gib)


@pytest.mark.parametrize(
    ("model", "available", "tokens", "reason"),
    [
        pytest.param(
            "phi-4",
            of_size(3),
            2048,
            IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
            id="no room for weights",
        ),
        pytest.param(
            "llama-2-7b",
            of_size(12),
            2048,
            IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
            id="too little per GPU",
        ),
        pytest.param(
            "falcon-40b",
            of_size(80),
            2048,
            IncompatibilityReason.NOT_DISTRIBUTED,
            id="cannot span nodes",
        ),
        pytest.param(
            "phi-4",
            mig.slice_of(MigProfile(1, 10)),
            2048,
            IncompatibilityReason.NOT_DISTRIBUTED,
            id="slice too small",
        ),
        pytest.param(
            "phi-4",
            of_size(80),
            20000,
            IncompatibilityReason.CONTEXT_TOO_LONG,
            id="context too long",
        ),
        pytest.param(
            "phi-4",
            gpus("Standard_NG32ads_V620_v1"),
            2048,
            IncompatibilityReason.VENDOR_NOT_SUPPORTED,
            id="not NVIDIA",
        ),
        pytest.param(
            "phi-2",
            gpus("Standard_NC6"),
            2048,
            IncompatibilityReason.GPU_TOO_OLD,
            id="too old",
        ),
    ],
)
def test_incompatible_gpus(
    model: str, available: GpuSet, tokens: int, reason: IncompatibilityReason
) -> None:
    verdict = estimate(preset(model), available, context_tokens=tokens)
    assert isinstance(verdict, Incompatibility)
    assert verdict.reason is reason
    assert verdict.message == f"{verdict.problem}. {verdict.remedy}."


def test_mig_slice_serves_a_model_that_fits() -> None:
    result = estimate(preset("phi-3-mini-4k-instruct"), mig.slice_of(MigProfile(2, 20)))
    assert isinstance(result, Estimate)
    assert result.nodes == 1


def test_unknown_cuda_capability_is_accepted() -> None:
    assert of_size(16).cuda_capability is None
    assert isinstance(estimate(preset("phi-2"), of_size(16)), Estimate)
    assert CudaCapability(7, 0) > CudaCapability(6, 1)


def nodes_or_inf(model: Preset, available: GpuSet, tokens: int = 2048) -> float:
    result = estimate(model, available, context_tokens=tokens)
    return result.nodes if isinstance(result, Estimate) else float("inf")


@pytest.mark.parametrize("model", PRESETS.presets, ids=lambda model: model.name)
class TestMonotone:
    def test_more_memory_never_needs_more_nodes(self, model: Preset) -> None:
        nodes = [nodes_or_inf(model, of_size(gib, 4)) for gib in range(2, 300, 3)]
        assert nodes == sorted(nodes, reverse=True)

    def test_more_gpus_never_need_more_nodes(self, model: Preset) -> None:
        nodes = [nodes_or_inf(model, of_size(40, count)) for count in range(1, 17)]
        assert nodes == sorted(nodes, reverse=True)

    def test_longer_context_never_needs_fewer_nodes(self, model: Preset) -> None:
        longest = range(2048, model.token_limit + 1, max(1, model.token_limit // 20))
        nodes = [nodes_or_inf(model, of_size(80, 8), tokens) for tokens in longest]
        assert nodes == sorted(nodes)

    def test_counted_gpus_hold_the_weights(self, model: Preset) -> None:
        result = estimate(model, of_size(141, 8))
        assert isinstance(result, Estimate)
        assert result.min_gpus * result.available_gib >= result.weights_gib
        assert result.nodes * 8 >= result.min_gpus > (result.nodes - 1) * 8
