"""Tokenizing is bounded, fair, and ends when the client leaves."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tokenizers import Tokenizer, models

from model_server.engine import ChatMessage, Conversation
from model_server.errors import GenerationFailed, InvalidRequest
from model_server.transformers.prompt_limit import longest_token_bytes
from model_server.transformers.prompt_tokenizer import PromptTokenizer
from tests.model_server.tiny_model import make_tokenizer
from tests.waiting import HANG_SECONDS, until

# More than the server tokenizes in its own process.
LONG = "The ship sails over the sea — naïve 東京 ☂ <|end|>\n" * 2000


@pytest.fixture(scope="module")
def raw() -> Any:
    return make_tokenizer()


@pytest.fixture
async def tokenizer(raw: Any) -> AsyncIterator[PromptTokenizer]:
    created = PromptTokenizer(raw, context_tokens=10**6)
    yield created
    await created.close()


async def stopped_process(tokenizer: PromptTokenizer) -> int:
    """The id of the process for long prompts, which hangs from now on."""
    assert tokenizer._process
    await tokenizer.encode(LONG)
    assert tokenizer._process.process
    os.kill(tokenizer._process.process.pid, signal.SIGSTOP)
    return tokenizer._process.process.pid


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("x" * 3_900_000, "3900000 bytes"),
        (Conversation(messages=(ChatMessage("user", "x" * 3_900_000),)), "3900001 bytes"),
        (Conversation(messages=(ChatMessage("user", "hi"),) * 60_000), "60000 messages"),
    ],
    ids="prompt message messages".split(),
)
async def test_prompt_that_cannot_fit_is_rejected_without_tokenizing(
    raw: Any, prompt: Any, value: str
) -> None:
    tokenizer = PromptTokenizer(raw, context_tokens=2048)
    with pytest.raises(InvalidRequest, match=f"{value}.*2048 tokens.*shorten"):
        await tokenizer.encode(prompt)
    assert tokenizer._thread._threads == tokenizer._long_thread._threads == set()
    assert tokenizer._process
    assert tokenizer._process.process is None


async def test_long_prompt_has_the_same_tokens(tokenizer: PromptTokenizer, raw: Any) -> None:
    assert await tokenizer.encode(LONG) == raw(LONG)["input_ids"]
    messages = Conversation(messages=(ChatMessage("user", LONG), ChatMessage("assistant", "no")))
    assert await tokenizer.encode(messages) == tokenizer._encode(messages, True)
    ids = await tokenizer.encode(LONG)
    assert (await tokenizer.to_tokens(ids)).texts == tuple(raw.convert_ids_to_tokens(ids))


async def test_short_prompt_does_not_wait_for_long_ones(tokenizer: PromptTokenizer) -> None:
    await stopped_process(tokenizer)
    long = [asyncio.create_task(tokenizer.encode(LONG)) for _ in range(3)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(HANG_SECONDS):
        assert await tokenizer.encode("The ship sails")
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()
    await asyncio.wait(long)


async def test_canceled_prompt_ends_its_process(tokenizer: PromptTokenizer) -> None:
    pid = await stopped_process(tokenizer)
    running, waiting, left = (asyncio.create_task(tokenizer.encode(LONG)) for _ in range(3))
    await asyncio.sleep(0.05)
    left.cancel()
    running.cancel()
    # The next in the queue gets its turn, in a new process.
    async with asyncio.timeout(HANG_SECONDS):
        assert await waiting

    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    await until(is_gone)
    assert running.cancelled()
    assert left.cancelled()


async def test_killed_process_fails_one_prompt_alone(tokenizer: PromptTokenizer) -> None:
    pid = await stopped_process(tokenizer)
    call = asyncio.create_task(tokenizer.encode(LONG))
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(GenerationFailed, match="retry"):
        await call
    assert await tokenizer.encode(LONG)


def test_no_token_stands_for_more_than_the_longest(raw: Any) -> None:
    longest = longest_token_bytes(json.loads(raw.backend_tokenizer.to_str()))
    assert longest == len("<|assistant|>")
    source = random.Random(5)
    for _ in range(200):
        text = "".join(source.choices([*"shipgold fähre東京☂", "<|end|>", " sailors"], k=50))
        assert len(text.encode()) <= longest * len(raw(text)["input_ids"])


@pytest.mark.parametrize(
    ("normalizer", "byte_fallback", "longest"),
    [
        (None, True, 16),
        ({"type": "Sequence", "normalizers": [{"type": "NFC"}]}, True, 48),
        (
            {
                "type": "Sequence",
                "normalizers": [
                    {"type": "Prepend", "prepend": "▁"},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                ],
            },
            True,
            16,
        ),
        ({"type": "Strip", "strip_left": True, "strip_right": True}, True, None),
        ({"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}, True, None),
        (None, False, None),
    ],
    ids="plain composed spaces stripped collapsed unknown".split(),
)
def test_limit_follows_from_the_description(
    normalizer: dict[str, Any] | None, byte_fallback: bool, longest: int | None
) -> None:
    vocabulary = {"<unk>": 0, "▁" * 16: 1, "東京": 2, "a": 3}
    model = models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=byte_fallback)
    description = json.loads(Tokenizer(model).to_str()) | {"normalizer": normalizer}
    assert longest_token_bytes(description) == longest


def test_vocabulary_of_whole_words_has_no_limit() -> None:
    model = models.WordLevel(vocab={"[UNK]": 0, "ship": 1}, unk_token="[UNK]")
    assert longest_token_bytes(json.loads(Tokenizer(model).to_str())) is None


_SYSTEM_IS_SKIPPED = (
    "{% for m in messages %}{% if m.role in ['user', 'assistant'] %}"
    "<|{{ m.role }}|>{{ m.content }}{% endif %}{% endfor %}"
)
_SYSTEM_IS_REWRITTEN = (
    "{% for m in messages %}<|{{ m.role }}|>"
    "{{ m.content.split('.')[0] | trim | upper if m.role == 'system' else m.content }}{% endfor %}"
)
_LAST_TURN_ONLY = "<|user|>{{ messages[-1].content }}"
_WANTS_NUMBERS = "{% for m in messages %}{{ 1 // (m.content | int) }}{% endfor %}"


async def encode(template: str, *turns: tuple[str, str]) -> str:
    raw = make_tokenizer()
    raw.chat_template = template
    tokenizer = PromptTokenizer(raw, context_tokens=2048)
    try:
        tokens = await tokenizer.encode(
            Conversation(messages=tuple(ChatMessage(*turn) for turn in turns))
        )
    finally:
        await tokenizer.close()
    return tokenizer.decode(tokens)


@pytest.mark.parametrize(
    ("template", "turns", "field"),
    [
        # Its content is in the text all the same, in the user's turn.
        (_SYSTEM_IS_SKIPPED, [("system", "ship"), ("user", "a ship sails")], "chat.messages[0]"),
        (_SYSTEM_IS_SKIPPED, [("system", ""), ("user", "ship")], "chat.messages[0]"),
        (_SYSTEM_IS_SKIPPED, [("user", "ship"), ("tool", "4")], "chat.messages[1]"),
        (_LAST_TURN_ONLY, [("user", "ship"), ("user", "sea")], "chat.messages[0]"),
    ],
)
async def test_a_turn_that_the_template_leaves_out_is_rejected(
    template: str, turns: list[tuple[str, str]], field: str
) -> None:
    with pytest.raises(InvalidRequest, match="leaves messages of this role out") as error:
        await encode(template, *turns)
    assert error.value.field == f"{field}.role"


async def test_a_turn_that_the_template_rewrites_is_accepted() -> None:
    turns = [("system", " be brief. And kind. "), ("user", "ship")]
    assert "BE BRIEF" in await encode(_SYSTEM_IS_REWRITTEN, *turns)


async def test_a_template_that_fails_rejects_the_conversation() -> None:
    with pytest.raises(InvalidRequest, match=r"template rejects them: .*division"):
        await encode(_WANTS_NUMBERS, ("user", "0"))
    assert await encode(_WANTS_NUMBERS, ("user", "1"))


async def test_text_of_tokens_keeps_special_tokens(tokenizer: PromptTokenizer, raw: Any) -> None:
    ids = raw(LONG)["input_ids"]
    text = await tokenizer.to_text(ids)
    assert text == raw.decode(ids)
    assert "<|end|>" in text
    assert await tokenizer.to_text(ids[:20]) == raw.decode(ids[:20])
