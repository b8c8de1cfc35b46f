"""Conversations that several clients have with one model, drawn from a seed. Pure."""

import json
import random
from dataclasses import dataclass
from functools import cached_property

BLOCK_TOKENS = 16
# Five applications with instructions of their own, as teams that share a model have them.
_SYSTEMS = 5
_SYSTEM_BLOCKS = 96
_TURNS = (3, 8)
_QUESTION_BLOCKS = (4, 20)
_ANSWER_BLOCKS = (6, 20)
_MEAN_THINKING_SECONDS = 10.0


@dataclass(frozen=True)
class Turn:
    """One question, with the blocks of it and of its answer, and the pause before it."""

    question_blocks: int
    answer_blocks: int
    thinking_seconds: float


@dataclass(frozen=True)
class Conversation:
    """Every request repeats the instructions and all turns before."""

    number: int
    system: int
    start_seconds: float
    turns: tuple[Turn, ...]

    def prompt_blocks(self, turn: int) -> list[tuple[str, int]]:
        """The identity of each block of tokens: equal blocks have equal tokens before them."""
        own = sum(each.question_blocks + each.answer_blocks for each in self.turns[:turn])
        own += self.turns[turn].question_blocks
        return [
            *((f"system {self.system}", index) for index in range(_SYSTEM_BLOCKS)),
            *((f"conversation {self.number}", index) for index in range(own)),
        ]

    @cached_property
    def _first_messages(self) -> list[dict[str, str]]:
        question = f"question 0 of conversation {self.number}"
        return [
            {"role": "system", "content": f"instructions of application {self.system}"},
            {"role": "user", "content": question},
        ]

    def body(self, turn: int) -> bytes:
        """The request as a client sends it; its texts are shorter than what they stand for."""
        later = [
            {"role": role, "content": f"{role} {index} of conversation {self.number}"}
            for index in range(1, turn + 1)
            for role in ("assistant", "user")
        ]
        return json.dumps({"model": "m", "messages": [*self._first_messages, *later]}).encode()


def draw(count: int, per_second: float, seed: int) -> list[Conversation]:
    """So many conversations, which begin at random times."""
    drawn = random.Random(seed)
    now = 0.0
    conversations = []
    for number in range(count):
        now += drawn.expovariate(per_second)
        turns = tuple(
            Turn(
                question_blocks=drawn.randint(*_QUESTION_BLOCKS),
                answer_blocks=drawn.randint(*_ANSWER_BLOCKS),
                thinking_seconds=drawn.expovariate(1 / _MEAN_THINKING_SECONDS),
            )
            for _ in range(drawn.randint(*_TURNS))
        )
        conversations.append(Conversation(number, drawn.randrange(_SYSTEMS), now, turns))
    return conversations
