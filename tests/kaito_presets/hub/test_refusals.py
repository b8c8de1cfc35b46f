"""Models of the hub that are not served: the message names field, value and remedy."""

from typing import Any

import pytest

from kaito_api.reasons import Reason
from kaito_presets.hub.facts import read_model
from kaito_presets.hub.model_files import ModelFiles
from kaito_presets.hub.refusal import ModelRefusal
from tests.kaito_presets.hub.repositories import llama, model_files, shards, whole

LLAMA = llama(32, 32, 8, 4096)


def changed(**fields: Any) -> dict[str, Any]:
    return {**LLAMA, **fields}


REFUSED: dict[str, tuple[ModelFiles, str]] = {
    "architecture of another kind": (
        model_files("org/bert", {"architectures": ["BertForMaskedLM"]}, whole(1.0)),
        "org/bert: its architecture 'BertForMaskedLM' (architectures in config.json) is served by "
        "neither vLLM 0.32.0 nor transformers 5.23.0: name another model, or serve it with your "
        "own pods (inference.template)",
    ),
    "no architecture": (
        model_files("org/m", changed(architectures=[]), whole(1.0)),
        "org/m: architectures in config.json is [], so no engine knows how to load the model: "
        "name a repository that transformers or vLLM can load",
    ),
    "quantized weights that only transformers would read": (
        model_files(
            "org/m", changed(quantization_config={"quant_method": "bitsandbytes"}), whole(1.0)
        ),
        "org/m: quant_method in config.json is 'bitsandbytes', which vLLM 0.32.0 does not read: "
        "name the repository of the model that is not quantized, or one in AWQ, GPTQ, FP8 or "
        "compressed-tensors",
    ),
    "pickles only": (
        model_files("org/m", LLAMA, {"pytorch_model.bin": 10**9}),
        "org/m has its weights only as pytorch_model.bin, a format that can run code when it is "
        "read: use a repository with *.safetensors: "
        "https://huggingface.co/spaces/safetensors/convert makes one",
    ),
    "GGUF only": (
        model_files("org/m", None, {"m-Q4_K_M.gguf": 10**9}),
        "org/m has its weights only as GGUF, which is llama.cpp's format: use the repository that "
        "they were made from, or serve it with your own pods (inference.template)",
    ),
    "no weights": (
        model_files("org/m", LLAMA, {"README.md": 10}),
        "org/m has no weights: none of its 3 files at commit 0e9e39f249a1 is a *.safetensors: "
        "name a repository that holds a model",
    ),
    "an upload with a gap": (
        model_files("org/m", LLAMA, dict(list(shards(5, 5, 5).items())[:2])),
        "org/m has 2 of 3 files of weights: number 3 is missing at commit 0e9e39f249a1: ask its "
        "authors to complete the upload, or name another revision with the annotation "
        "kaito.sh/model-revision",
    ),
    "an adapter": (
        model_files("org/m", None, {"adapter_config.json": 9, "adapter_model.safetensors": 10**6}),
        "org/m is an adapter (it has adapter_config.json), not a model: name its base model in "
        "preset.name, and put the adapter into inference.adapters",
    ),
    "a pipeline of diffusers": (
        model_files("org/m", None, {"model_index.json": 9, "unet/d.safetensors": 10**6}),
        "org/m is a pipeline of diffusers (it has model_index.json), not a model that writes "
        "text: serve it with your own pods (inference.template)",
    ),
    "a model for embeddings": (
        model_files("org/m", LLAMA, whole(1.0), task="feature-extraction"),
        "org/m is listed by the hub as feature-extraction (pipeline_tag), not as a model that "
        "writes text: name a model for text generation, or serve it with your own pods "
        "(inference.template)",
    ),
    "no config.json": (
        model_files("org/m", None, whole(1.0)),
        "org/m has no config.json, which says what the model is: name a repository that "
        "transformers or vLLM can load",
    ),
    "a field is missing": (
        model_files("org/m", changed(num_hidden_layers=None), whole(1.0)),
        "org/m: num_hidden_layers in config.json is missing, and it has to be a positive whole "
        "number: name another repository, or serve it with your own pods (inference.template)",
    ),
    "the field has an older name": (
        model_files(
            "org/m",
            {k: v for k, v in changed(n_head=-2).items() if k != "num_attention_heads"},
            whole(1.0),
        ),
        "org/m: n_head in config.json is -2, and it has to be a positive whole number: name "
        "another repository, or serve it with your own pods (inference.template)",
    ),
    "a value without an end": (
        model_files("org/m", changed(num_attention_heads="9" * 10_000), whole(1.0)),
        f"org/m: num_attention_heads in config.json is '{'9' * 79}, and it has to be a positive "
        "whole number: name another repository, or serve it with your own pods "
        "(inference.template)",
    ),
    "a field is no number": (
        model_files("org/m", changed(num_attention_heads="many"), whole(1.0)),
        "org/m: num_attention_heads in config.json is 'many', and it has to be a positive whole "
        "number: name another repository, or serve it with your own pods (inference.template)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_served_is_refused_with_field_value_and_remedy(case: str) -> None:
    files, message = REFUSED[case]
    refusal = read_model(files)
    assert isinstance(refusal, ModelRefusal)
    assert refusal.reason is Reason.MODEL_NOT_SERVED
    assert refusal.message == message


NOT_OBJECTS = ("", "[]", "null", "7", '"x"', "{", "[" * 100_000)
NOT_HEADS = ("true", "-1", "1e9", "99999999999999", "[]", "{}", "NaN")
BROKEN = (
    *NOT_OBJECTS,
    '{"architectures": {}}',
    *(f'{{"architectures": ["LlamaForCausalLM"], "n_heads": {each}}}' for each in NOT_HEADS),
)


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[-20:])
def test_any_config_ends_in_a_refusal(text: str) -> None:
    files = model_files("org/m", LLAMA, whole(1.0))
    broken = ModelFiles(repository=files.repository, texts={**files.texts, "config.json": text})
    assert isinstance(read_model(broken), ModelRefusal)


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "null", '{"auto_map": 7, "chat_template": 7}', '["x"]'),
        '{"chat_template": [null, "x", {}], "tokenizer_class": ["PreTrainedTokenizerFast"]}',
    ],
)
def test_any_tokenizer_config_is_read(text: str) -> None:
    files = model_files("org/m", LLAMA, whole(1.0))
    texts = {**files.texts, "tokenizer_config.json": text}
    model = read_model(ModelFiles(repository=files.repository, texts=texts))
    assert not isinstance(model, ModelRefusal) and not model.chat_template


@pytest.mark.parametrize("odd", [["LlamaTokenizer"], {"a": 1}, 7, None], ids=repr)
def test_code_is_needed_where_the_names_of_classes_are_none(odd: object) -> None:
    config = changed(auto_map={"AutoConfig": "c.C"}, model_type=odd)
    tokenizer = {"auto_map": {"AutoTokenizer": "t.T"}, "tokenizer_class": odd}
    model = read_model(model_files("org/m", config, whole(1.0), tokenizer=tokenizer))
    assert not isinstance(model, ModelRefusal) and model.remote_code


@pytest.mark.parametrize(
    ("fields", "experts"),
    [
        # One number for text and one for images, as in ERNIE 4.5 VL.
        ({"moe_num_experts": [64, 32]}, 64),
        ({"num_experts": "many", "sliding_window": "wide"}, None),
    ],
)
def test_what_is_only_shown_refuses_no_model(fields: dict[str, Any], experts: int | None) -> None:
    model = read_model(model_files("org/m", changed(**fields), whole(1.0)))
    assert not isinstance(model, ModelRefusal)
    assert (model.experts, model.sliding_window) == (experts, None)


def test_bloom_names_its_width_as_it_always_did() -> None:
    config = {"architectures": ["BloomForCausalLM"], "n_embed": 1024, "n_layer": 24, "n_head": 16}
    model = read_model(model_files("org/m", config, whole(1.0)))
    assert not isinstance(model, ModelRefusal)
    assert (model.preset.attention.hidden_size, model.preset.attention.head_dim) == (1024, 64)
