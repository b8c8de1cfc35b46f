"""Tokenizers of the kinds that models have, trained on a few sentences."""

from functools import cache
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from tests.tuner.examples.templates import ADDED_TOKENS, SPECIAL_TOKENS

CORPUS = [
    "What is the capital of France? The capital of France is Paris.\n\n",
    "Assistant: Hello! How can I help you today?\nUser: Write a poem, please.\n",
    "assistant user system model Falcon: Hello\nUser: Hi there\nFalcon: Yes, of course.",
    "1 + 1 = 2, 12 + 30 = 42.  Two  spaces,\ttabs\nand\n\n\nlines. [INST] [/INST] [",
    "Grüße aus München, 東京 and 🙂🚀!",
] * 4
KINDS = ("byte-level", "byte-level trimmed", "tiktoken", "metaspace first", "prepend")
_GPT_4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@cache
def backend(kind: str) -> str:
    """A trained tokenizer as JSON."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=kind in ("metaspace first", "prepend")))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if kind == "byte-level":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "byte-level trimmed":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "tiktoken":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_GPT_4), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "metaspace first":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    else:
        # As Llama 2: no words, spaces are replaced before.
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    byte_tokens = [token for token in alphabet if len(token) > 1]
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=[token for token in alphabet if len(token) == 1],
        special_tokens=byte_tokens,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return str(tokenizer.to_str())


def tokenizer(kind: str, template: str | None) -> Any:
    """A tokenizer of transformers with `template` as its chat template."""
    built = Tokenizer.from_str(backend(kind))
    strips = kind == "prepend"
    built.add_special_tokens(
        [AddedToken(text, normalized=False, rstrip=strips) for text in SPECIAL_TOKENS]
    )
    built.add_tokens([AddedToken(text, normalized=False) for text in ADDED_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<|endoftext|>",
        chat_template=template,
    )
