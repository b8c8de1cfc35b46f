"""The catalog of presets: every model is there, consistent, and found by each of its names."""

from dataclasses import replace

import pytest

from kaito_presets import catalog
from kaito_presets.preset import Access, Preset, Runtime, TuningMethod
from kaito_skus.records import DataError

PRESETS = catalog.load()

SHORT_NAMES = """
phi-4 phi-4-mini-instruct phi-3-mini-4k-instruct phi-3-mini-128k-instruct phi-3-medium-4k-instruct
phi-3-medium-128k-instruct phi-3.5-mini-instruct llama-3.1-8b-instruct llama-3.3-70b-instruct
deepseek-r1-distill-llama-8b deepseek-r1-distill-qwen-14b deepseek-r1-0528 deepseek-v3-0324
qwen2.5-coder-7b-instruct qwen2.5-coder-32b-instruct gpt-oss-20b gpt-oss-120b gemma-3-4b-instruct
gemma-3-27b-instruct mistral-7b mistral-7b-instruct ministral-3-3b-instruct ministral-3-8b-instruct
ministral-3-14b-instruct mistral-large-3-675b-instruct
falcon-7b falcon-7b-instruct falcon-40b falcon-40b-instruct phi-2
llama-2-7b llama-2-7b-chat llama-2-13b llama-2-13b-chat llama-2-70b llama-2-70b-chat
""".split()


def preset(name: str) -> Preset:
    found = PRESETS.find(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_every_short_name_of_upstream_is_found(name: str) -> None:
    assert PRESETS.find(name) is not None


def test_catalog_is_complete() -> None:
    assert len(PRESETS.presets) == 71


@pytest.mark.parametrize("model", PRESETS.presets, ids=lambda model: model.name)
def test_facts_are_plausible(model: Preset) -> None:
    assert model.name == model.name.lower()
    assert model.disk_gib >= model.weights_gib + 80
    assert 1800 <= model.readiness_timeout_seconds <= 10800
    assert 1024 <= model.attention.kv_bytes_per_token <= 2**20
    assert 32 <= model.attention.head_dim <= 512
    assert model.gated or model.access is Access.PUBLIC
    assert model.hf_id.split("/")[1].lower() in {model.name, *model.aliases}
    assert Runtime.VLLM in model.runtimes
    if model.image is not None:
        assert model.image.model_path == "/workspace/tfs/weights"


@pytest.mark.parametrize(
    "model", [model for model in PRESETS.presets if model.tuning], ids=lambda model: model.name
)
def test_tunable_presets_support_both_methods(model: Preset) -> None:
    assert model.tuning is not None
    assert model.tunable
    assert set(model.tuning.methods) == set(TuningMethod)
    assert model.tuning.disk_gib >= model.disk_gib


def test_tunable_presets() -> None:
    tunable = {model.name for model in PRESETS.presets if model.tunable}
    assert tunable == {
        "phi-4", "phi-4-mini-instruct", "phi-3-mini-4k-instruct", "phi-3-mini-128k-instruct",
        "phi-3-medium-4k-instruct", "phi-3-medium-128k-instruct", "phi-3.5-mini-instruct",
        "mistral-7b-v0.3", "qwen2.5-coder-7b-instruct", "qwen2.5-coder-32b-instruct",
        "falcon-7b", "falcon-40b", "phi-2",
    }  # fmt: skip


def test_preset_of_the_walkthrough() -> None:
    model = preset("phi-3-mini-128k-instruct")
    assert model.image is not None
    assert model.image.reference("registry.example/kaito") == (
        "registry.example/kaito/kaito-phi-3-mini-128k-instruct:0.0.1"
    )
    assert model.tuning is not None
    assert model.tuning.methods[TuningMethod.QLORA].total_memory_gib == 16
    assert model.tuning.target_modules == ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Phi-4", "phi-4"),
        (" phi-4 ", "phi-4"),
        ("microsoft/Phi-4-mini-instruct", "phi-4-mini-instruct"),
        ("mistral-7b", "mistral-7b-v0.3"),
        ("gemma-3-4b-instruct", "gemma-3-4b-it"),
        ("Qwen/Qwen3-8B-AWQ", "qwen3-8b-awq"),
        ("meta-llama/Llama-2-7b-hf", "llama-2-7b"),
    ],
)
def test_find_accepts_names_aliases_and_ids(query: str, name: str) -> None:
    assert preset(query).name == name


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("phi-3-mini-128-instruct", "phi-3-mini-128k-instruct"),
        ("phi3-mini-4k-instruct", "phi-3-mini-4k-instruct"),
        ("Falcon7b", "falcon-7b"),
        ("bert-base-uncased", None),
        ("", None),
    ],
)
def test_closest_name_is_suggested(query: str, name: str | None) -> None:
    assert PRESETS.find(query) is None
    assert PRESETS.closest(query) == name


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        pytest.param("phi-4", 2 * 40 * 10 * 128 * 2, id="head size derived"),
        pytest.param("gpt-oss-20b", 2 * 24 * 8 * 64 * 2, id="head size given"),
        pytest.param("deepseek-r1-0528", (512 + 64) * 61 * 2, id="latent attention"),
        pytest.param("falcon-7b", 2 * 32 * 1 * 64 * 2, id="one head for keys and values"),
    ],
)
def test_kv_cache_bytes_per_token(name: str, bytes_per_token: int) -> None:
    assert preset(name).attention.kv_bytes_per_token == bytes_per_token


def test_two_presets_cannot_share_a_name() -> None:
    other = replace(preset("phi-2"), aliases=("phi-4",))
    with pytest.raises(DataError, match="'phi-4' already belongs to phi-4"):
        catalog.collect([preset("phi-4"), other])
