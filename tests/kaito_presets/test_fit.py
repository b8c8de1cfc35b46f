"""Whether instance types fit a preset's tuning and serving, and what the remedies suggest."""

from dataclasses import replace

import pytest

from kaito_presets import catalog
from kaito_presets.estimate import Estimate
from kaito_presets.fit import Fit, inference_fit, tuning_fit
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason
from kaito_presets.preset import GpuRequirements, Preset, TuningMethod
from kaito_skus import catalog as sku_catalog
from kaito_skus.sku import Cloud, GpuSet, Vendor

PRESETS = catalog.load()
SKUS = sku_catalog.load()
CANDIDATES = SKUS.on(Cloud.AZURE).fitting()
QLORA, LORA = TuningMethod.QLORA, TuningMethod.LORA


def preset(name: str) -> Preset:
    found = PRESETS.find(name)
    assert found is not None
    return found


def gpus(sku_name: str) -> GpuSet:
    sku = SKUS.find(sku_name)
    assert sku is not None
    return sku.gpus


def test_tuning_of_the_walkthrough_fits_its_instance_type() -> None:
    fit = tuning_fit(preset("phi-3-mini-128k-instruct"), QLORA, gpus("Standard_NC6s_v3"))
    assert isinstance(fit, Fit)
    assert fit.explain() == (
        "needs 1 GPU of 16 GiB, 16 GiB in total; the node has 1x NVIDIA V100 16 GiB"
    )


def test_model_of_the_walkthrough_is_served_where_it_was_tuned() -> None:
    result = inference_fit(
        preset("phi-3-mini-128k-instruct"), gpus("Standard_NC6s_v3"), max_nodes=1
    )
    assert isinstance(result, Estimate)


@pytest.mark.parametrize(
    ("model", "method", "sku", "reason"),
    [
        ("llama-2-7b", LORA, "Standard_NC24ads_A100_v4", IncompatibilityReason.NOT_TUNABLE),
        ("phi-4", LORA, "Standard_NC6s_v3", IncompatibilityReason.GPU_MEMORY_TOO_SMALL),
        ("falcon-40b", LORA, "Standard_NC24ads_A100_v4", IncompatibilityReason.NOT_ENOUGH_GPUS),
        ("falcon-40b", LORA, "Standard_NC24s_v3", IncompatibilityReason.GPU_MEMORY_TOO_SMALL),
        ("phi-2", QLORA, "Standard_NG32ads_V620_v1", IncompatibilityReason.VENDOR_NOT_SUPPORTED),
        ("phi-2", QLORA, "Standard_NC6s_v2", IncompatibilityReason.GPU_TOO_OLD),
    ],
)
def test_incompatible_tuning(
    model: str, method: TuningMethod, sku: str, reason: IncompatibilityReason
) -> None:
    verdict = tuning_fit(preset(model), method, gpus(sku), CANDIDATES)
    assert isinstance(verdict, Incompatibility)
    assert verdict.reason is reason


def test_method_that_the_preset_does_not_support() -> None:
    model = preset("phi-2")
    assert model.tuning is not None
    only_qlora = replace(model.tuning, methods={QLORA: model.tuning.methods[QLORA]})
    verdict = tuning_fit(replace(model, tuning=only_qlora), LORA, gpus("Standard_NC24s_v3"))
    assert isinstance(verdict, Incompatibility)
    assert verdict.message == "phi-2 cannot be tuned with lora. Set method to qlora."


def test_total_memory_can_be_too_small_for_enough_gpus() -> None:
    model = preset("phi-2")
    assert model.tuning is not None
    required = GpuRequirements(gpu_count=1, total_memory_gib=40, per_gpu_memory_gib=16)
    tuning = replace(model.tuning, methods={LORA: required})
    verdict = tuning_fit(replace(model, tuning=tuning), LORA, gpus("Standard_NC12s_v3"))
    assert isinstance(verdict, Incompatibility)
    assert verdict.reason is IncompatibilityReason.TOTAL_MEMORY_TOO_SMALL


def test_remedy_names_the_cheapest_candidates() -> None:
    verdict = tuning_fit(preset("phi-4"), LORA, gpus("Standard_NC6s_v3"), CANDIDATES)
    assert isinstance(verdict, Incompatibility)
    assert verdict.message == (
        "lora of phi-4 needs 1 GPU of 34 GiB, 34 GiB in total; the node has 1x NVIDIA V100 16 GiB. "
        "Use a larger instance type: Standard_NC24ads_A100_v4 (about $3.67/h), "
        "Standard_NC40ads_H100_v5 (about $6.98/h), Standard_NC48ads_A100_v4 (about $7.35/h)."
    )


def test_remedy_without_candidates() -> None:
    verdict = tuning_fit(preset("phi-4"), LORA, gpus("Standard_NC6s_v3"))
    assert isinstance(verdict, Incompatibility)
    assert verdict.remedy == "Use a larger instance type"


def test_remedy_names_no_candidates_when_the_preset_is_the_problem() -> None:
    for verdict in (
        tuning_fit(preset("llama-2-7b"), LORA, gpus("Standard_NC6s_v3"), CANDIDATES),
        inference_fit(preset("phi-2"), gpus("Standard_NC6s_v3"), CANDIDATES, context_tokens=9999),
    ):
        assert isinstance(verdict, Incompatibility)
        assert "Standard_" not in verdict.message


def test_more_nodes_needed_than_allowed() -> None:
    verdict = inference_fit(
        preset("llama-3.3-70b-instruct"), gpus("Standard_NC24ads_A100_v4"), CANDIDATES, max_nodes=1
    )
    assert isinstance(verdict, Incompatibility)
    assert verdict.reason is IncompatibilityReason.TOO_FEW_NODES
    assert verdict.remedy.startswith(
        "Allow 3 nodes, or use a larger instance type: Standard_NC80adis_H100_v5 (about $13.96/h)"
    )


def test_remedy_prefers_fewer_nodes_to_a_lower_price() -> None:
    verdict = inference_fit(
        preset("deepseek-v4-pro"),
        gpus("Standard_NG32ads_V620_v1"),
        SKUS.on(Cloud.AZURE).fitting(min_gpus=8),
    )
    assert isinstance(verdict, Incompatibility)
    assert verdict.remedy == (
        "Use an instance type with NVIDIA GPUs: Standard_ND96isr_H200_v5, "
        "2 nodes of Standard_ND96amsr_A100_v4 (about $65.54/h), "
        "2 nodes of Standard_ND96isr_H100_v5 (about $196.64/h)"
    )


@pytest.mark.parametrize(
    ("count", "memory_gib", "missing"),
    [(2, 45.0, (0, 0, 0)), (1, 80.0, (1, 0, 10)), (4, 16.0, (0, 29, 26))],
)
def test_missing_gpus_and_memory(count: int, memory_gib: float, missing: tuple[float, ...]) -> None:
    fit = Fit(
        GpuRequirements(gpu_count=2, total_memory_gib=90, per_gpu_memory_gib=45),
        GpuSet(model="NVIDIA Test", vendor=Vendor.NVIDIA, count=count, memory_gib=memory_gib),
    )
    assert (fit.missing_gpus, fit.missing_per_gpu_gib, fit.missing_total_gib) == missing


@pytest.mark.parametrize(
    "model", [model for model in PRESETS.presets if model.tunable], ids=lambda model: model.name
)
@pytest.mark.parametrize("method", TuningMethod)
def test_every_tunable_preset_fits_a_candidate(model: Preset, method: TuningMethod) -> None:
    assert any(isinstance(tuning_fit(model, method, sku.gpus), Fit) for sku in CANDIDATES)


@pytest.mark.parametrize("model", PRESETS.presets, ids=lambda model: model.name)
def test_every_preset_is_served_by_a_candidate(model: Preset) -> None:
    assert any(isinstance(inference_fit(model, sku.gpus), Estimate) for sku in CANDIDATES)
