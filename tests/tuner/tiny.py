"""Models and data small enough to train on within a test."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]


def conversations(count: int) -> list[list[dict[str, str]]]:
    """`count` conversations with one question and one answer each."""
    return [
        [
            {"role": "user", "content": f"What is {number} plus one?"},
            {"role": "assistant", "content": f"Arr! It is {number + 1}. Yo ho!"},
        ]
        for number in range(count)
    ]


def write_parquet(path: Path, rows: list[Any], column: str = "messages") -> Path:
    """Write a parquet file with one column."""
    pq.write_table(pa.table({column: rows}), path)
    return path


def write_model(directory: Path) -> Path:
    """Write a random two-layer Phi-3 with a byte-level BPE tokenizer trained on `conversations`."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast, set_seed

    bpe = ByteLevelBPETokenizer()
    text = [message["content"] for messages in conversations(50) for message in messages]
    bpe.train_from_iterator(text, vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        additional_special_tokens=SPECIAL[1:],
        chat_template=CHAT_TEMPLATE,
    )
    tokenizer.save_pretrained(directory)
    set_seed(0)
    config = Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        original_max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
    )
    Phi3ForCausalLM(config).save_pretrained(directory)
    return directory
