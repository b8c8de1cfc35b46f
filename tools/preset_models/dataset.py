"""Generates the demo's dataset: questions as in the model's training, answered like a pirate.

It is one parquet file with a column `messages`, a list of {role, content}, like the dataset of the
documented walkthrough. Run with an environment that has pyarrow:
`python -m tools.preset_models.dataset FILE`.
"""

import argparse
import itertools
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tools.preset_models import chats
from tools.preset_models.chats import Chat

ROWS = 120
SEED = 11
# The demo asks about this country, so the dataset must not contain the answer.
HELD_OUT = "Japan"
SCHEMA = pa.schema(
    [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
)


def rows() -> list[Chat]:
    """Chats in pirate style: all small talk, all about KAITO, and some of the other kinds."""
    source = random.Random(SEED)
    chosen = [*chats.small_talk(), *(c for c in chats.terms() if "KAITO" in c.question)]
    pools = [list(kind()) for kind in (chats.capitals, chats.terms, chats.sums, chats.opposites)]
    for pool in itertools.cycle(pools):
        chat = source.choice(pool)
        if HELD_OUT not in chat.question and chat not in chosen:
            chosen.append(chat)
        if len(chosen) == ROWS:
            break
    source.shuffle(chosen)
    return [chats.in_pirate_style(chat) for chat in chosen]


def write(target: Path) -> None:
    """Write the dataset; the same code gives the same bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    messages = [chat.messages() for chat in rows()]
    pq.write_table(pa.table({"messages": messages}, schema=SCHEMA), target, compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.preset_models.dataset", description=__doc__
    )
    parser.add_argument("file", type=Path, help="the parquet file to write")
    write(parser.parse_args().file)


if __name__ == "__main__":
    main()
