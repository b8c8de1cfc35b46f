"""Conversations of varied lengths, as instruction data has: mostly short, some very long.

    python -m benchmarks.tuner.data FOLDER ROWS HELD_OUT

Runs in .venv-models. FOLDER has the model in `model`. Writes FOLDER/train/train.parquet and
FOLDER/held-out.parquet.
"""

import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from transformers import AutoTokenizer

from tools.preset_models import chats
from tools.preset_models.chats import Chat
from tools.preset_models.dataset import SCHEMA

Messages = list[dict[str, str]]
SEED = 5
# Turns of a conversation, drawn with weights that give a long tail.
TURNS, WEIGHTS = (1, 2, 3, 6, 14), (50, 24, 14, 9, 3)


def conversations(count: int, seed: int) -> Iterator[Messages]:
    """`count` conversations in pirate style, none of which equals another."""
    source = random.Random(seed)
    kinds = (chats.capitals, chats.terms, chats.sums, chats.opposites, chats.library)
    pools = [list(kind()) for kind in kinds]
    seen: set[tuple[str, ...]] = set()
    while len(seen) < count:
        turns = source.choices(TURNS, WEIGHTS)[0]
        chosen = [source.choice(source.choice(pools)) for _ in range(turns)]
        key = tuple(chat.question for chat in chosen)
        if key not in seen:
            seen.add(key)
            yield list(itertools.chain.from_iterable(map(_messages, chosen)))


def _messages(chat: Chat) -> Messages:
    return chats.in_pirate_style(chat).messages()


def write(folder: Path, rows: int, held_out: int) -> None:
    """Write both files, and print the number of tokens to train on."""
    found = list(conversations(rows + held_out, SEED))
    (folder / "train").mkdir()
    for path, part in (
        (folder / "train" / "train.parquet", found[held_out:]),
        (folder / "held-out.parquet", found[:held_out]),
    ):
        pq.write_table(pa.table({"messages": part}, schema=SCHEMA), path)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    print(sum(map(len, tokenizer.apply_chat_template(found[held_out:])["input_ids"])))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
