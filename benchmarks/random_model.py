"""Writes a model with random weights: python -m benchmarks.random_model FOLDER NAME [DEVICE].

Runs where torch is. NAME is a file in benchmarks/models, which is the model's config.json. Nothing
is downloaded: speed and memory depend on the shapes, and not on what a model has learned.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from benchmarks.serving.prompts import words
from tools.preset_models import chats
from tools.preset_models.tokenizer import CHAT_TEMPLATE, END, END_OF_TEXT, PADDING

_CONFIGS = Path(__file__).parent / "models"
_SPECIAL = [PADDING, END_OF_TEXT, END, "<|system|>", "<|user|>", "<|assistant|>"]
# So many different words that as many tokens as any of the models has can be learned from them.
_WORDS_PER_TOKEN = 12


def make_tokenizer(vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer with a text for each token that the model can generate, and a chat template."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=_SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [words(_WORDS_PER_TOKEN * vocabulary, random.Random(0)), *chats.prose()]
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        chat_template=CHAT_TEMPLATE,
        pad_token=PADDING,
        eos_token=END,
        bos_token=END_OF_TEXT,
        model_max_length=context,
        padding_side="left",
    )


def make(folder: Path, name: str, device: str = "cpu") -> None:
    """Write the model and its tokenizer: in float32 on a CPU, and in bfloat16 on a GPU.

    Raises:
        SystemExit: the texts have too few words for the vocabulary.
    """
    settings: dict[str, Any] = json.loads((_CONFIGS / f"{name}.json").read_text())
    tokenizer = make_tokenizer(settings["vocab_size"], settings["max_position_embeddings"])
    if len(tokenizer) != settings["vocab_size"]:
        raise SystemExit(f"{name}: {len(tokenizer)} tokens, not {settings['vocab_size']}")
    tokenizer.save_pretrained(folder)
    end = tokenizer.eos_token_id
    config = AutoConfig.for_model(**settings, eos_token_id=end, pad_token_id=tokenizer.pad_token_id)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    torch.manual_seed(7)
    # Where it computes: a CPU needs minutes for the random numbers of billions of weights.
    with torch.device(device), torch.no_grad():
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
        # Never the likeliest token, so that all answers have the same length.
        model.lm_head.weight[end] = 0
    model.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]), *sys.argv[2:])
