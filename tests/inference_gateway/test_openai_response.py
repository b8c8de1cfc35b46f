"""Responses of the OpenAI API: whole bodies and chunks."""

import json
from collections.abc import Sequence
from typing import Any

from inference_gateway.formats.api_format import ApiFormat, GenerationContext
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from kaito.inference.v1 import inference_pb2 as pb

MODEL = "phi-3-mini-128k-instruct"
USAGE = pb.Usage(prompt_tokens=4, completion_tokens=2)
MESSAGES = (
    pb.StreamGenerateResponse(text="Bl", model=MODEL),
    pb.StreamGenerateResponse(text='ue "ä"\n'),
    pb.StreamGenerateResponse(finish_reason=pb.FINISH_REASON_LENGTH, usage=USAGE),
)


def streamed(
    api_format: ApiFormat, generation: GenerationContext, body: bytes, messages: Sequence[Any]
) -> list[Any]:
    encoder = api_format.parse(body).event_encoder(generation)
    data = b"".join(encoder.encode(0, message) for message in messages) + encoder.end(USAGE)
    lines = [block.removeprefix("data: ") for block in data.decode().split("\n\n")]
    assert lines[-2:] == ["[DONE]", ""]
    return [json.loads(line) for line in lines[:-2]]


def test_chat_response(generation: GenerationContext, response: pb.GenerateResponse) -> None:
    parsed = OpenAiChat().parse(b'{"messages": [{"role": "user", "content": "Sky?"}]}')
    assert json.loads(parsed.response_body([response], generation)) == {
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
        "usage": {
            "prompt_tokens": 4,
            "completion_tokens": 2,
            "total_tokens": 6,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


def test_chat_chunks(generation: GenerationContext) -> None:
    body = b'{"messages": [{"role": "user", "content": "x"}], "stream": true}'
    chunks = streamed(OpenAiChat(), generation, body, MESSAGES)
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


def test_usage_chunk_is_last_if_requested(generation: GenerationContext) -> None:
    body = (
        b'{"messages": [{"role": "user", "content": "x"}], "stream": true,'
        b' "stream_options": {"include_usage": true}}'
    )
    *others, last = streamed(OpenAiChat(), generation, body, MESSAGES)
    assert all(chunk["usage"] is None for chunk in others)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 6


def test_completion_numbers_choices_across_prompts_and_echoes(
    generation: GenerationContext, response: pb.GenerateResponse
) -> None:
    response.choices.add(index=1, text="Grey.", finish_reason=pb.FINISH_REASON_LENGTH)
    parsed = OpenAiCompletions().parse(b'{"prompt": ["A:", "B:"], "n": 2, "echo": true}')
    body = json.loads(parsed.response_body([response, response], generation))
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [
        (0, "A:Blue."),
        (1, "A:Grey."),
        (2, "B:Blue."),
        (3, "B:Grey."),
    ]
    assert body["object"] == "text_completion"
    assert body["usage"]["total_tokens"] == 12


def test_completion_chunks_echo_once(generation: GenerationContext) -> None:
    body = b'{"prompt": "Sky: ", "stream": true, "echo": true}'
    chunks = streamed(OpenAiCompletions(), generation, body, MESSAGES)
    assert [chunk["choices"][0]["text"] for chunk in chunks] == ["Sky: Bl", 'ue "ä"\n', ""]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
