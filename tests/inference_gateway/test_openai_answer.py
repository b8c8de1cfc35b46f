"""What OpenAI clients get back: whole bodies and chunks."""

import json
from collections.abc import Sequence
from typing import Any

from inference_gateway.dialects.dialect import About, Dialect
from inference_gateway.dialects.openai_chat import OpenAiChat
from inference_gateway.dialects.openai_completions import OpenAiCompletions
from kaito.inference.v1 import inference_pb2 as pb

MODEL = "phi-3-mini-128k-instruct"
USAGE = pb.Usage(prompt_tokens=4, completion_tokens=2)
PIECES = (
    pb.StreamGenerateResponse(text="Bl", model=MODEL),
    pb.StreamGenerateResponse(text='ue "ä"\n'),
    pb.StreamGenerateResponse(finish_reason=pb.FINISH_REASON_LENGTH, usage=USAGE),
)


def streamed(dialect: Dialect, about: About, body: bytes, pieces: Sequence[Any]) -> list[Any]:
    events = dialect.read(body).events(about)
    data = b"".join(events.piece(0, message) for message in pieces) + events.closing(USAGE)
    lines = [block.removeprefix("data: ") for block in data.decode().split("\n\n")]
    assert lines[-2:] == ["[DONE]", ""]
    return [json.loads(line) for line in lines[:-2]]


def test_whole_chat(about: About, answer: pb.GenerateResponse) -> None:
    ask = OpenAiChat().read(b'{"messages": [{"role": "user", "content": "Sky?"}]}')
    assert json.loads(ask.whole([answer], about)) == {
        "id": "chatcmpl-r1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Blue.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    }


def test_streamed_chat(about: About) -> None:
    body = b'{"messages": [{"role": "user", "content": "x"}], "stream": true}'
    chunks = streamed(OpenAiChat(), about, body, PIECES)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Bl"},
        {"content": 'ue "ä"\n'},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 3 + ["length"]
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-r1", "chat.completion.chunk", MODEL)
    }
    assert "usage" not in chunks[0]


def test_the_usage_chunk_comes_last_when_asked_for(about: About) -> None:
    body = (
        b'{"messages": [{"role": "user", "content": "x"}], "stream": true,'
        b' "stream_options": {"include_usage": true}}'
    )
    *others, last = streamed(OpenAiChat(), about, body, PIECES)
    assert all(chunk["usage"] is None for chunk in others)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}


def test_whole_completion_numbers_choices_through_and_echoes(
    about: About, answer: pb.GenerateResponse
) -> None:
    answer.choices.add(index=1, text="Grey.", finish_reason=pb.FINISH_REASON_LENGTH)
    ask = OpenAiCompletions().read(b'{"prompt": ["A:", "B:"], "n": 2, "echo": true}')
    body = json.loads(ask.whole([answer, answer], about))
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [
        (0, "A:Blue."),
        (1, "A:Grey."),
        (2, "B:Blue."),
        (3, "B:Grey."),
    ]
    assert body["object"] == "text_completion"
    assert body["usage"]["total_tokens"] == 12


def test_streamed_completion_echoes_once(about: About) -> None:
    body = b'{"prompt": "Sky: ", "stream": true, "echo": true}'
    chunks = streamed(OpenAiCompletions(), about, body, PIECES)
    assert [chunk["choices"][0]["text"] for chunk in chunks] == ["Sky: Bl", 'ue "ä"\n', ""]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
