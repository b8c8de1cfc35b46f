"""Loads a model folder: local files and safetensors only, and no code unless it is trusted."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from model_server.errors import ModelLoadFailed
from model_server.options import GenerationOptions, drop_invalid
from model_server.transformers.kv_cache import ModelDimensions, choose_context

logger = logging.getLogger(__name__)
# What the parsers of configurations, tokenizers and weights raise for unusable files.
_UNUSABLE_FILE_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    RuntimeError,
    ImportError,
    MemoryError,
    SafetensorError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What to load, and how.

    `cpu_bfloat16` says whether the CPU has bfloat16 instructions; `choose_dtype` needs it.
    """

    path: Path
    dtype: str
    cpu_bfloat16: bool
    max_context_tokens: int | None
    trust_remote_code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory with its tokenizer and its own generation defaults."""

    model: Any
    tokenizer: Any
    defaults: GenerationOptions
    end_tokens: tuple[int, ...]
    context_tokens: int

    @property
    def vocabulary_size(self) -> int:
        """How many tokens the model takes and gives: those of the tokenizer, and often more."""
        taken = self.model.get_input_embeddings().weight.shape[0]
        return int(min(taken, self.model.get_output_embeddings().weight.shape[0]))

    @property
    def hidden_size(self) -> int:
        """The width of the hidden states."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def dimensions(self) -> ModelDimensions:
        """What decides how much memory a cached token takes."""
        config = self.model.config.get_text_config()
        heads = config.num_attention_heads
        return ModelDimensions(
            layers=config.num_hidden_layers,
            heads=heads,
            # Configurations without grouped-query attention leave these two out.
            kv_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            itemsize=self.model.dtype.itemsize,
        )


def load_model(options: LoadOptions) -> LoadedModel:
    """Load weights, tokenizer and defaults.

    Raises:
        ModelLoadFailed: names the folder and the remedy.
    """
    _check_folder(options)
    try:
        return _load(options)
    except ModelLoadFailed:
        raise
    except _UNUSABLE_FILE_ERRORS as error:
        raise ModelLoadFailed(f"the model in {options.path} does not load: {error}") from error


def _check_folder(options: LoadOptions) -> None:
    path = options.path
    if not (path / "config.json").is_file():
        raise ModelLoadFailed(
            f"KAITO_MODEL_PATH = {str(path)!r}: there is no config.json; "
            "mount the model's files there"
        )
    if not any(path.glob("*.safetensors")):
        raise ModelLoadFailed(
            f"KAITO_MODEL_PATH = {str(path)!r}: there are no *.safetensors files; other formats "
            "can run code when they are read and are rejected: convert the weights"
        )


def _load(options: LoadOptions) -> LoadedModel:
    files: dict[str, Any] = {
        "local_files_only": True,
        "trust_remote_code": options.trust_remote_code,
    }
    disable_progress_bar()
    set_verbosity_error()
    config = AutoConfig.from_pretrained(options.path, **files)
    text = config.get_text_config()
    context_tokens = choose_context(text.max_position_embeddings, options.max_context_tokens)
    select_rope_factors(text.rope_parameters, context_tokens)
    model, report = AutoModelForCausalLM.from_pretrained(
        options.path,
        output_loading_info=True,
        config=config,
        dtype=choose_dtype(options, str(text.dtype).removeprefix("torch.")),
        attn_implementation="sdpa",
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        **files,
    )
    # transformers would fill these weights with random numbers.
    missing = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if missing:
        raise ModelLoadFailed(
            f"the files in {options.path} do not hold {len(missing)} weights of the model, such as "
            f"{missing[0]!r}; download them again, or replace config.json if it is another model's"
        )
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval().requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(options.path, **files)
    generation = model.generation_config
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        defaults=_defaults(generation),
        end_tokens=_end_tokens(generation, config, tokenizer),
        context_tokens=context_tokens,
    )


def choose_dtype(options: LoadOptions, config_dtype: str) -> str:
    """The number format to load; `config_dtype` is the one that config.json names.

    bfloat16, asked for by the preset or by the files, becomes float32 on a CPU without bfloat16
    instructions: emulating them takes 7 to 10 times as long as float32 (kaito_process.cpu).
    Otherwise "auto" stays, and transformers uses the format of the files.
    """
    emulated = not torch.cuda.is_available() and not options.cpu_bfloat16
    requested = config_dtype if options.dtype == "auto" else options.dtype
    return "float32" if requested == "bfloat16" and emulated else options.dtype


def select_rope_factors(rope: dict[str, Any] | None, context_tokens: int) -> None:
    """Select one set of longrope's factors for all requests, by the context that is served.

    transformers selects the set by the longest sequence of a batch. A long conversation that joins
    a batch would then change what the cached keys of the others mean.
    """
    if not rope or rope.get("rope_type") != "longrope":
        return
    if context_tokens > rope.get("original_max_position_embeddings", context_tokens):
        rope["short_factor"] = rope["long_factor"]


def _defaults(generation: GenerationConfig) -> GenerationOptions:
    """The defaults that generation_config.json sets."""
    names = """max_new_tokens min_new_tokens do_sample temperature top_k top_p min_p typical_p
        repetition_penalty length_penalty no_repeat_ngram_size num_beams"""
    values: dict[str, Any] = {name: getattr(generation, name, None) for name in names.split()}
    # Some configurations write temperature 0 for greedy decoding, which do_sample already says.
    values["temperature"] = values["temperature"] or None
    options, problems = drop_invalid(GenerationOptions(**values))
    for problem in problems:
        # The model still serves: a request that sets the option itself never needs its default.
        logger.warning("a default in generation_config.json is ignored: %s", problem)
    return options


def _end_tokens(generation: GenerationConfig, config: Any, tokenizer: Any) -> tuple[int, ...]:
    for source in (generation, config, tokenizer):
        end_tokens = getattr(source, "eos_token_id", None)
        if end_tokens is not None:
            several = isinstance(end_tokens, (list, tuple))
            return tuple(end_tokens) if several else (int(end_tokens),)
    return ()
