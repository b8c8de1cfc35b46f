"""Writes a small model with random weights: python -m benchmarks.serving.model FOLDER.

Runs in .venv-models. It has 26 million parameters, so that the model and not the servers takes most
of the time, as in use.
"""

import random
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks.serving.prompts import words

CONTEXT = 1024
_VOCABULARY = 4096
_END = "<end>"


def make(folder: Path) -> None:
    """Write the model and its tokenizer."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([words(50_000, random.Random(0))], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=_END)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        # Never the likeliest token, so that all answers have the same length.
        model.lm_head.weight[tokenizer.eos_token_id] = 0
    model.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
