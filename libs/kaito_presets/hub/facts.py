"""From the files of a repository to the facts of a preset, or why its model is not served."""

from collections.abc import Mapping
from typing import Any

from kaito_presets.hub import served_by_transformers, served_by_vllm
from kaito_presets.hub.attention import (
    read_attention,
    read_experts,
    read_sliding_window,
    read_token_limit,
)
from kaito_presets.hub.downloads import downloaded
from kaito_presets.hub.families import vllm_options
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.model_config import ModelConfig, parse_config, shown
from kaito_presets.hub.model_files import CONFIG, MISTRAL_CONFIG, TOKENIZER_CONFIG, ModelFiles
from kaito_presets.hub.preset_of import ModelFacts, preset_of
from kaito_presets.hub.quantization import read_quantization
from kaito_presets.hub.refusal import ModelRefusal, Refused
from kaito_presets.hub.repository import Repository
from kaito_presets.hub.weights import Weights, find_weights
from kaito_presets.preset import Dtype, Quantization, Runtime

_GIB = 2**30
# What the hub lists models as that have the architecture of a text generator and another head.
_OTHER_TASKS = frozenset(
    {
        *("feature-extraction", "sentence-similarity", "text-ranking", "text-classification"),
        *("token-classification", "zero-shot-classification", "fill-mask", "text-to-speech"),
        *("text-to-image", "text-to-video", "text-to-audio", "automatic-speech-recognition"),
    }
)
_DTYPES = {"bfloat16": Dtype.BFLOAT16, "float16": Dtype.FLOAT16}


def read_model(files: ModelFiles) -> HubModel | ModelRefusal:
    """The model, or why neither engine serves it. Total: any content ends in one of the two."""
    try:
        return _read(files)
    except Refused as refused:
        return refused.refusal


def _read(files: ModelFiles) -> HubModel:
    repository = files.repository
    weights = find_weights(repository)
    config = _config(files)
    architecture = _architecture(config, repository, weights)
    quantization = read_quantization(config)
    _check_task(repository)
    runtimes = _runtimes(config, architecture, quantization, weights)
    template = files.chat_template()
    facts = ModelFacts(
        name=repository.name,
        license=repository.license,
        gated=repository.gated,
        architecture=architecture,
        # As precise as the presets' own.
        weights_gib=max(0.01, round(weights.size_bytes / _GIB, 2)),
        token_limit=read_token_limit(config),
        attention=read_attention(config, architecture),
        quantization=quantization,
        dtype=_dtype(config, quantization),
        runtimes=runtimes,
        vllm=vllm_options(
            repository.name, architecture, template, mistral_format=weights.mistral_format
        ),
    )
    pulled = downloaded(repository.files, mistral_format=weights.mistral_format)
    return HubModel(
        preset=preset_of(facts, trust_remote_code=False),
        requested=repository.requested,
        revision=repository.commit,
        download_bytes=sum(file.size_bytes for file in pulled),
        chat_template=bool(template),
        remote_code=_needs_remote_code(config, files, weights),
        sliding_window=read_sliding_window(config),
        experts=read_experts(config),
    )


def _config(files: ModelFiles) -> ModelConfig:
    name = files.repository.name
    path = next((each for each in (CONFIG, MISTRAL_CONFIG) if each in files.texts), None)
    if path is None:
        raise Refused(
            f"{name} has no {CONFIG}, which says what the model is",
            "name a repository that transformers or vLLM can load",
        )
    return parse_config(name, path, files.document(path))


def _architecture(config: ModelConfig, repository: Repository, weights: Weights) -> str:
    named = config.top.get("architectures") or config.text.get("architectures")
    if isinstance(named, list) and named and isinstance(named[0], str):
        return named[0]
    if not weights.mistral_format:
        raise Refused(
            f"{config.name}: architectures in {config.file} is {shown(named)}, so no engine knows "
            "how to load the model",
            "name a repository that transformers or vLLM can load",
        )
    # Mistral's own format leaves it out, as KAITO does.
    if repository.name.lower().rpartition("/")[2].startswith("mistral-large-3"):
        return "MistralLarge3ForCausalLM"
    sees = any(config.top.get(field) for field in ("vision_encoder", "vision_config"))
    return "Mistral3ForConditionalGeneration" if sees else "MistralForCausalLM"


def _check_task(repository: Repository) -> None:
    if repository.task in _OTHER_TASKS:
        raise Refused(
            f"{repository.name} is listed by the hub as {repository.task} (pipeline_tag), not as a "
            "model that writes text",
            "name a model for text generation, or serve it with your own pods (inference.template)",
        )


def _runtimes(
    config: ModelConfig, architecture: str, quantization: Quantization | None, weights: Weights
) -> tuple[Runtime, ...]:
    """vLLM reads every format; the engine transformers neither quantized weights nor Mistral's."""
    plain = quantization is None and not weights.mistral_format
    runtimes = []
    if architecture in served_by_vllm.ARCHITECTURES:
        runtimes.append(Runtime.VLLM)
    if architecture in served_by_transformers.ARCHITECTURES and plain:
        runtimes.append(Runtime.TRANSFORMERS)
    if runtimes:
        return tuple(runtimes)
    engines = (
        f"neither vLLM {served_by_vllm.VERSION} nor transformers {served_by_transformers.VERSION}"
    )
    raise Refused(
        f"{config.name}: its architecture {shown(architecture)} (architectures in {config.file}) "
        f"is served by {engines}",
        "name another model, or serve it with your own pods (inference.template)",
    )


def _dtype(config: ModelConfig, quantization: Quantization | None) -> Dtype:
    if quantization is not None:
        return Dtype.AUTO
    return _DTYPES.get(config.text_field("dtype", "torch_dtype"), Dtype.AUTO)


def _needs_remote_code(config: ModelConfig, files: ModelFiles, weights: Weights) -> bool:
    """Whether the engines' libraries do not know the model's configuration or its tokenizer."""
    if weights.mistral_format:
        return False
    tokenizer = files.document(TOKENIZER_CONFIG)
    class_ = tokenizer.get("tokenizer_class") if isinstance(tokenizer, Mapping) else None
    known_type = str(config.top.get("model_type")) in served_by_vllm.MODEL_TYPES
    own_config = "AutoConfig" in _code(config.top)
    own_tokenizer = "AutoTokenizer" in _code(tokenizer)
    known_tokenizer = str(class_) in served_by_vllm.TOKENIZERS
    return (own_config and not known_type) or (own_tokenizer and not known_tokenizer)


def _code(document: object) -> Mapping[str, Any]:
    code = document.get("auto_map") if isinstance(document, Mapping) else None
    # Old tokenizers have a list in place of a mapping.
    if isinstance(code, list):
        return {"AutoTokenizer": code}
    return code if isinstance(code, Mapping) else {}
