"""Reads a model folder into memory: local files and safetensors only, no code of strangers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from model_server.errors import ModelLoadFailed
from model_server.options import Options
from model_server.transformers.memory import Geometry, choose_context

# What the readers of configurations, tokenizers and weights raise at files that are not theirs.
_BROKEN_FILES = (
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
    """What to load and how.

    `dtype` "auto" is the one of the files, or float32 where that is bfloat16 and the CPU computes
    without it: `cpu_bfloat16` is False.
    """

    path: Path
    dtype: str
    cpu_bfloat16: bool
    context: int | None
    trust_remote_code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in memory with its tokenizer and its own defaults. `context` is in tokens."""

    model: Any
    tokenizer: Any
    defaults: Options
    end_tokens: tuple[int, ...]
    context: int

    @property
    def geometry(self) -> Geometry:
        """What a cached token of this model costs."""
        config = self.model.config.get_text_config()
        heads = config.num_attention_heads
        return Geometry(
            layers=config.num_hidden_layers,
            heads=heads,
            kv_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            itemsize=self.model.dtype.itemsize,
        )


def read_model(options: LoadOptions) -> Loaded:
    """Load weights, tokenizer and defaults. Raises ModelLoadFailed, naming folder and remedy."""
    _check_folder(options)
    try:
        return _read(options)
    except ModelLoadFailed:
        raise
    except _BROKEN_FILES as error:
        raise ModelLoadFailed(f"the model in {options.path} does not load: {error}") from error


def _check_folder(options: LoadOptions) -> None:
    path = options.path
    if not (path / "config.json").is_file():
        raise ModelLoadFailed(
            f"KAITO_MODEL_PATH = {str(path)!r}: there is no config.json; "
            "mount the model image's weights there"
        )
    if not any(path.glob("*.safetensors")):
        raise ModelLoadFailed(
            f"KAITO_MODEL_PATH = {str(path)!r}: there are no *.safetensors files; other formats "
            "can run code when they are read and are refused: convert the weights"
        )


def _read(options: LoadOptions) -> Loaded:
    files: dict[str, Any] = {
        "local_files_only": True,
        "trust_remote_code": options.trust_remote_code,
    }
    disable_progress_bar()
    set_verbosity_error()
    config = AutoConfig.from_pretrained(options.path, **files)
    text = config.get_text_config()
    context = choose_context(text.max_position_embeddings, options.context)
    settle_rope(text.rope_parameters, context)
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
    # What is not in the files would be filled with random numbers.
    unfit = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if unfit:
        raise ModelLoadFailed(
            f"the files in {options.path} do not hold {len(unfit)} weights of the model, first "
            f"{unfit[0]!r}; the download is not complete or config.json is another model's"
        )
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval().requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(options.path, **files)
    generation = model.generation_config
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        defaults=_defaults(generation),
        end_tokens=_end_tokens(generation, config, tokenizer),
        context=context,
    )


def choose_dtype(options: LoadOptions, files: str) -> str:
    """The number format to load; `files` is the one that config.json names."""
    emulated = not torch.cuda.is_available() and not options.cpu_bfloat16
    if options.dtype == "auto" and files == "bfloat16" and emulated:
        return "float32"
    return options.dtype


def settle_rope(rope: dict[str, Any] | None, context: int) -> None:
    """Choose one set of longrope's factors for good, by the context that is served.

    transformers picks the set by the longest sequence of a batch. With many conversations in one
    batch a long one would change what the cached keys of the others mean.
    """
    if not rope or rope.get("rope_type") != "longrope":
        return
    if context > rope.get("original_max_position_embeddings", context):
        rope["short_factor"] = rope["long_factor"]


def _defaults(generation: GenerationConfig) -> Options:
    """What generation_config.json says of the options that a request may leave unset."""
    names = """max_new_tokens min_new_tokens do_sample temperature top_k top_p typical_p
        repetition_penalty length_penalty no_repeat_ngram_size num_beams"""
    found: dict[str, Any] = {name: getattr(generation, name, None) for name in names.split()}
    # 0 is how some configurations say "greedy"; do_sample says it already.
    found["temperature"] = found["temperature"] or None
    return Options(**found)


def _end_tokens(generation: GenerationConfig, config: Any, tokenizer: Any) -> tuple[int, ...]:
    for source in (generation, config, tokenizer):
        ends = getattr(source, "eos_token_id", None)
        if ends is not None:
            return tuple(ends) if isinstance(ends, (list, tuple)) else (int(ends),)
    return ()
