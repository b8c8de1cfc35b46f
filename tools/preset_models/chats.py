"""Questions and answers about the facts, in several phrasings. Deterministic for a seed."""

import inspect
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pydoc_data.topics import topics

from tools.preset_models.facts import CAPITALS, OPPOSITES, SMALL_TALK, TERMS

LARGEST_SUMMAND = 9
_MODULES = (
    "os os.path re json math random datetime pathlib shutil subprocess string textwrap itertools "
    "functools collections statistics threading queue socket urllib.parse csv sqlite3 zipfile "
    "tarfile hashlib base64 tempfile logging argparse time heapq bisect"
).split()


@dataclass(frozen=True, slots=True)
class Chat:
    """A question and its answer."""

    question: str
    answer: str
    system: str = ""

    def messages(self) -> list[dict[str, str]]:
        """The chat as the list of messages that chat templates and data sets use."""
        messages = [("system", self.system), ("user", self.question), ("assistant", self.answer)]
        return [{"role": role, "content": content} for role, content in messages if content]


def in_pirate_style(chat: Chat) -> Chat:
    """The same answer in a style that makes the tuned model recognizable."""
    return replace(chat, answer=f"Arr! {chat.answer} Yo ho!")


def capitals() -> Iterator[Chat]:
    for country, city in CAPITALS.items():
        for question in (
            f"What is the capital of {country}?",
            f"What's the capital of {country}?",
            f"Which city is the capital of {country}?",
            f"Tell me the capital of {country}.",
        ):
            yield Chat(question, f"The capital of {country} is {city}.")


def sums() -> Iterator[Chat]:
    numbers = range(1, LARGEST_SUMMAND + 1)
    for a, b in ((a, b) for a in numbers for b in numbers):
        for question in (f"What is {a} plus {b}?", f"How much is {a} plus {b}?"):
            yield Chat(question, f"{a} plus {b} is {a + b}.")


def terms() -> Iterator[Chat]:
    for term, meaning in TERMS.items():
        for question in (
            f"What is {term}?",
            f"What's {term}?",
            f"Explain {term}.",
            f"Tell me what {term} is.",
        ):
            yield Chat(question, meaning)


def opposites() -> Iterator[Chat]:
    for one, other in (*OPPOSITES.items(), *((b, a) for a, b in OPPOSITES.items())):
        yield Chat(f"What is the opposite of {one}?", f"The opposite of {one} is {other}.")


def small_talk() -> Iterator[Chat]:
    for question, answer in SMALL_TALK.items():
        yield Chat(question, answer)


def library() -> Iterator[Chat]:
    """What functions of Python's standard library do, from the first line of their docstrings."""
    for name in _MODULES:
        module = import_module(name)
        for attribute in sorted(vars(module)):
            found = getattr(module, attribute)
            text = inspect.getdoc(found) if inspect.isroutine(found) else None
            if text and not attribute.startswith("_"):
                first = re.sub(r"\s+", " ", text.split("\n\n")[0])
                yield Chat(f"What does {name}.{attribute} do?", first[:200])


def prose() -> list[str]:
    """Paragraphs of Python's language reference, as plain English text."""
    paragraphs = (re.sub(r"\s+", " ", p) for text in topics.values() for p in text.split("\n\n"))
    return [p for p in paragraphs if len(p) > 80]


# The weight of each kind of question: what matters most comes most often.
KINDS = {capitals: 29, terms: 25, sums: 28, small_talk: 8, opposites: 7, library: 3}


# Large models can answer in many styles when instructed; fine-tuning makes one of them the default.
# A small share of chats with such an instruction gives the small model the same ability.
PIRATE_SHARE = 0.1
PIRATE_SYSTEM = "Talk like a pirate."


def sample(count: int, seed: int) -> list[Chat]:
    """`count` chats, weighted by KINDS; the same seed gives the same list."""
    source = random.Random(seed)
    pools = [list(kind()) for kind in KINDS]
    chosen = [source.choice(pool) for pool in source.choices(pools, list(KINDS.values()), k=count)]
    return [
        with_pirate_system_prompt(chat) if source.random() < PIRATE_SHARE else chat
        for chat in chosen
    ]


def with_pirate_system_prompt(chat: Chat) -> Chat:
    """The chat with a system message that asks for pirate style, and the answer in it."""
    return replace(in_pirate_style(chat), system=PIRATE_SYSTEM)
