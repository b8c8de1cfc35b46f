"""What is read of a body as the beginning of its prompt."""

import json
from typing import Any

import pytest

from inference_gateway.endpoints.prompt_start import prompt_start

CHAT, TEXT, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
SYSTEM = {"role": "system", "content": "You are brief."}
REEF = {"role": "user", "content": "What is a reef?"}
ATOLL = {"role": "user", "content": "What is an atoll?"}
ANSWER = {"role": "assistant", "content": "A ridge of rock or coral."}


def start(path: str, session: str = "", /, **body: Any) -> bytes:
    return prompt_start(path, json.dumps(body).encode(), session)


@pytest.mark.parametrize(
    ("path", "first", "later"),
    [
        (CHAT, {"messages": [SYSTEM, REEF]}, {"messages": [SYSTEM, REEF, ANSWER, ATOLL]}),
        ("/chat", {"messages": [REEF]}, {"messages": [REEF, ANSWER, ATOLL]}),
        (
            "/v1/messages",
            {"system": [{"type": "text", "text": "Brief."}], "messages": [REEF]},
            {"system": "Brief.", "messages": [REEF, ANSWER, ATOLL]},
        ),
        (RESPONSES, {"input": [REEF]}, {"input": [REEF, ANSWER, ATOLL]}),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
            {"messages": [{"role": "user", "content": "Hi"}, ANSWER, REEF], "temperature": 0},
        ),
        (TEXT, {"prompt": "a" * 1024}, {"prompt": "a" * 1024 + "b" * 5000}),
        (TEXT, {"prompt": ["a" * 1024, "x"]}, {"prompt": "a" * 1024}),
        (TEXT, {"prompt": [7] * 256}, {"prompt": [[7] * 300]}),
        ("/generate", {"inputs": "a" * 2000}, {"inputs": "a" * 3000, "parameters": {}}),
        ("/chat", {"prompt": "a" * 2000}, {"prompt": "a" * 3000}),
        (CHAT, {"prompt_cache_key": "k", "messages": [REEF]}, {"prompt_cache_key": "k"}),
    ],
    ids="chat kaito anthropic responses parts text texts tokens tgi kaito-text cache-key".split(),
)
def test_turns_of_a_conversation_begin_alike(
    path: str, first: dict[str, Any], later: dict[str, Any]
) -> None:
    assert start(path, **first) == start(path, **later) != b""


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (CHAT, {"messages": [SYSTEM, REEF]}, {"messages": [SYSTEM, ATOLL]}),
        (CHAT, {"messages": [SYSTEM, REEF]}, {"messages": [REEF]}),
        (RESPONSES, {"instructions": "Brief.", "input": "Hi"}, {"input": "Hi"}),
        (CHAT, {"messages": [{"role": "user", "content": "a"}]}, {"messages": [{"role": "a"}]}),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"image_url": {"url": "data:a"}}]}]},
            {"messages": [{"role": "user", "content": [{"image_url": {"url": "data:b"}}]}]},
        ),
        (CHAT, {"prompt_cache_key": "k", "messages": [REEF]}, {"messages": [REEF]}),
        (TEXT, {"prompt": "a"}, {"prompt": "b"}),
    ],
    ids="question system instructions role image cache-key text".split(),
)
def test_other_conversations_begin_otherwise(
    path: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert start(path, **one) != start(path, **other)


def test_conversations_about_one_long_document_begin_alike() -> None:
    document = {"role": "system", "content": "é" * 16 * 1024}
    found = start(CHAT, messages=[document, REEF])
    assert found == start(CHAT, messages=[document, ATOLL])
    assert len(found) == 16 * 1024


def test_a_session_replaces_the_prompt() -> None:
    assert start(CHAT, "s1", messages=[REEF]) == start(CHAT, "s1", messages=[ATOLL])
    assert start(CHAT, "s1", messages=[REEF]) != start(CHAT, "s2", messages=[REEF])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", b'{"input": "text"}'),
        ("/tokenize", b'{"prompt": "text"}'),
        (CHAT, b'{"messages": ['),
        (CHAT, b"[1]"),
        (CHAT, b'{"messages": "text"}'),
        (CHAT, b"\xff"),
        (CHAT, b""),
        (CHAT, b"[" * 100_000),
        (TEXT, b'{"prompt": ""}'),
    ],
)
def test_nothing_to_find_in_a_cache(path: str, body: bytes) -> None:
    assert prompt_start(path, body) == b""


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [7, null, {"role": 5, "content": {"a": 1}}, {"content": [[], null]}]}',
        b'{"prompt": [[], {}]}',
        b'{"prompt": {"a": "b"}}',
        b'{"prompt": "\\ud800"}',
        b'{"messages": [{"role": "user", "content": [' + b"[" * 500 + b"]" * 500 + b"]}]}",
    ],
)
def test_a_strange_body_is_read_without_an_error(body: bytes) -> None:
    for path in (CHAT, TEXT):
        assert isinstance(prompt_start(path, body), bytes)
