"""Makes a real Phi-3 with random weights, its tokenizer, and adapters, in a second or two."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

CONTEXT = 2048
_TEXT = ["The ship sails over the sea to find gold — naïve sailors, 東京 and ☂ on the map."] * 8
_TEMPLATE = (
    "{% for m in messages %}{% if m['role'] in ['system', 'user', 'assistant'] %}"
    "<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}{% endfor %}<|assistant|>"
)
_SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def make_model(folder: Path, tokens: Sequence[str] = (), *, heads: int = 4) -> Path:
    """Write a model folder as `save_pretrained` does; `tokens` join the vocabulary.

    With 4 heads they have 16 numbers each; vLLM on a CPU takes 32, thus 2 heads.
    """
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(list(tokens))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        max_position_embeddings=CONTEXT,
        original_max_position_embeddings=CONTEXT,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Phi3ForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder


def make_tokenizer() -> Any:
    """A byte-level tokenizer with a chat template."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(_TEXT, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|end|>"
    )
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def make_adapter(folder: Path, *, seed: int = 1, **changes: Any) -> Path:
    """Write a LoRA adapter as PEFT does, strong enough to change the model's answers.

    `changes` go into adapter_config.json.
    """
    folder.mkdir(parents=True)
    config = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["qkv_proj", "o_proj"],
        "base_model_name_or_path": "tiny",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config | changes))
    save_file(adapter_weights(seed), folder / "adapter_model.safetensors")
    return folder


def adapter_weights(seed: int) -> dict[str, torch.Tensor]:
    """Random matrices A and B for every attention module of the model."""
    source = torch.Generator().manual_seed(seed)
    weights = {}
    for layer in range(2):
        for module, out in (("qkv_proj", 128), ("o_proj", 64)):
            key = f"base_model.model.model.layers.{layer}.self_attn.{module}"
            weights[f"{key}.lora_A.weight"] = torch.randn(4, 64, generator=source)
            weights[f"{key}.lora_B.weight"] = torch.randn(out, 4, generator=source) * 0.3
    return weights


if __name__ == "__main__":
    make_model(Path(sys.argv[1]))
