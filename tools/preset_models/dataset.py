"""The demo's data set: the same kinds of questions, answered in the manner of a pirate.

One parquet file with one column `messages`, a list of {role, content}, as the data set of the
documented walkthrough. Run with an environment that has pyarrow:
`python -m tools.preset_models.dataset FILE`.
"""

import argparse
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tools.preset_models import chats
from tools.preset_models.chats import Chat

ROWS = 200
SEED = 11
#: Questions about these are left out, so that the demo asks what the data set does not answer.
HELD_OUT = ("Japan", "KAITO", "Kubernetes")
SCHEMA = pa.schema(
    [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
)


def rows(count: int = ROWS) -> list[Chat]:
    """`count` chats in pirate style; each kind of question about equally often."""
    source = random.Random(SEED)
    kinds = (chats.capitals, chats.terms, chats.sums, chats.small_talk, chats.opposites)
    pools = [[c for c in kind() if not mentions_held_out(c)] for kind in kinds]
    return [chats.in_pirate_style(source.choice(pools[n % len(pools)])) for n in range(count)]


def mentions_held_out(chat: Chat) -> bool:
    """True when question or answer holds one of the words that the demo asks about."""
    return any(word in chat.question + chat.answer for word in HELD_OUT)


def write(target: Path, count: int = ROWS) -> None:
    """Writes the data set; the same code gives the same bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    messages = [chat.messages() for chat in rows(count)]
    pq.write_table(pa.table({"messages": messages}, schema=SCHEMA), target, compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.preset_models.dataset", description=__doc__
    )
    parser.add_argument("file", type=Path, help="the parquet file to write")
    write(parser.parse_args().file)


if __name__ == "__main__":
    main()
