"""Log probabilities, echo and tokens, in the shapes of OpenAI's and of the text-generation API."""

import json
from typing import Any

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.formats.token_logprobs import finite_logprob
from inference_gateway.formats.token_places import TokenPlaces
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import gateway

USER = {"role": "user", "content": "x"}
TEXT, CHAT = "/v1/completions", "/v1/chat/completions"


async def answer(client: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
    response = await client.post(path, json=body)
    assert response.status == 200, await response.text()
    return await response.json()


async def chunks(client: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> list[Any]:
    text = await (await client.post(path, json=body | {"stream": True})).text()
    lines = [each.removeprefix("data: ") for each in text.split("\n\n")]
    return [json.loads(each) for each in lines if each.startswith("{")]


def token(text: str, logprob: float | None = -0.5) -> pb.TokenLogprob:
    return pb.TokenLogprob(token=pb.LikelyToken(text=text, raw=text.encode(), logprob=logprob))


async def test_chat(client: aiohttp.ClientSession) -> None:
    body = {"messages": [USER], "logprobs": True, "top_logprobs": 2}
    (choice,) = (await answer(client, CHAT, body))["choices"]
    first = choice["logprobs"]["content"][0]
    assert (first["token"], first["logprob"], first["bytes"]) == ("Hello", -0.5, list(b"Hello"))
    assert [each["token"] for each in first["top_logprobs"]] == ["Hello", "t1"]
    assert len(choice["logprobs"]["content"]) == 3


async def test_chat_stream(client: aiohttp.ClientSession) -> None:
    found = await chunks(client, CHAT, {"messages": [USER], "logprobs": True})
    tokens = [
        each["token"]
        for chunk in found
        for each in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]
    ]
    assert tokens == ["Hello", ", ", "world"]


@pytest.mark.parametrize("path", [CHAT, TEXT])
async def test_none_unless_requested(
    client: aiohttp.ClientSession, script: FakeBackend, path: str
) -> None:
    body = {"messages": [USER]} if path == CHAT else {"prompt": "x"}
    assert (await answer(client, path, body))["choices"][0]["logprobs"] is None
    assert not script.requests[0].options.HasField("logprobs")


async def test_completion(client: aiohttp.ClientSession) -> None:
    (choice,) = (await answer(client, TEXT, {"prompt": "Hi", "logprobs": 2}))["choices"]
    assert choice["logprobs"] == {
        "tokens": ["Hello", ", ", "world"],
        "token_logprobs": [-0.5] * 3,
        "top_logprobs": [
            {"Hello": -0.5, "t1": -2.0},
            {", ": -0.5, "t1": -2.0},
            {"world": -0.5, "t1": -2.0},
        ],
        "text_offset": [0, 5, 7],
    }


async def test_echo_has_the_prompts_tokens(client: aiohttp.ClientSession) -> None:
    body = {"prompt": ["Hi", "Ho"], "logprobs": 1, "echo": True}
    choices = (await answer(client, TEXT, body))["choices"]
    assert [each["text"] for each in choices] == ["HiHello, world", "HoHello, world"]
    logprobs = choices[1]["logprobs"]
    assert logprobs["tokens"] == ["H", "o", "Hello", ", ", "world"]
    assert logprobs["token_logprobs"] == [None, -0.5, -0.5, -0.5, -0.5]
    assert logprobs["top_logprobs"][0] is None
    assert logprobs["text_offset"] == [0, 1, 2, 7, 9]


async def test_echo_alone_as_lm_evaluation_harness_sends_it(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    body = {"prompt": [[72, 105]], "logprobs": 1, "echo": True, "max_tokens": 0, "temperature": 0}
    found = await answer(client, TEXT, body)
    (choice,) = found["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Hi", "length")
    assert choice["logprobs"]["tokens"] == ["H", "i"]
    assert found["usage"]["completion_tokens"] == 0
    (request,) = script.requests
    assert list(request.token_ids.ids) == [72, 105]
    assert request.options.max_new_tokens == 1
    first, *others = [each["choices"][0] for each in await chunks(client, TEXT, body)]
    assert (first["text"], first["logprobs"]) == (choice["text"], choice["logprobs"])
    assert [(each["text"], each["finish_reason"]) for each in others] == [("", "length")]


async def test_completion_stream_echoes_with_offsets(client: aiohttp.ClientSession) -> None:
    found = await chunks(client, TEXT, {"prompt": "Hi", "logprobs": 0, "echo": True, "n": 2})
    for index in range(2):
        mine = [each["choices"][0] for each in found if each["choices"][0]["index"] == index]
        assert "".join(each["text"] for each in mine) == "HiHello, world"
        offsets = [place for each in mine for place in each["logprobs"]["text_offset"]]
        assert offsets == [0, 1, 2, 7, 9]


async def test_token_ids(client: aiohttp.ClientSession) -> None:
    body = {"messages": [USER], "return_token_ids": True}
    whole = await answer(client, CHAT, body)
    assert whole["choices"][0]["token_ids"] == [0, 1, 2]
    assert whole["prompt_token_ids"] == list(range(7))
    streamed = await chunks(client, CHAT, body)
    assert streamed[0]["prompt_token_ids"] == list(range(7))
    ids = [place for each in streamed for place in each["choices"][0].get("token_ids", [])]
    assert ids == [0, 1, 2]
    text = await answer(client, TEXT, {"prompt": [[1], [2]], "return_token_ids": True})
    assert [each["prompt_token_ids"] for each in text["choices"]] == [list(range(7))] * 2


def test_offsets_count_characters_and_skip_tokens_that_the_text_lacks() -> None:
    parts = [token("<s>"), token("The"), token(" "), token("東"), token("!"), token("</s>")]
    # Two tokens may share a character.
    parts[3].token.raw = "東".encode()[:1]
    parts.insert(4, pb.TokenLogprob(token=pb.LikelyToken(text="�", raw="東".encode()[1:])))
    found = TokenPlaces().of(parts, "The 東!")
    assert [each.place for each in found] == [0, 0, 3, 4, 4, 5, 6]
    assert [each.text for each in found] == ["<s>", "The", " ", "", "東", "!", "</s>"]
    assert [each.special for each in found] == [True, *[False] * 5, True]


def test_bytes_that_are_no_character_are_part_of_the_text() -> None:
    raws = [b"\x80", b"a", "東".encode()[:2]]
    parts = [pb.TokenLogprob(token=pb.LikelyToken(raw=raw)) for raw in raws]
    places = TokenPlaces()
    found = places.of(parts, "\ufffda\ufffd")
    assert [(each.place, each.text, each.special) for each in found] == [
        (0, "\ufffd", False),
        (1, "a", False),
        (2, "", False),
    ]
    assert places.end() == "\ufffd"


def test_the_first_space_may_be_dropped_and_text_may_come_in_parts() -> None:
    places = TokenPlaces()
    first = places.of([token(" The")], "The")
    second = places.of([token(" sea")], " sea")
    assert [(each.place, each.text) for each in (*first, *second)] == [(0, "The"), (3, " sea")]


def test_a_token_that_cannot_occur_has_openais_number() -> None:
    assert finite_logprob(token("x", float("-inf")).token) == -9999.0
    assert finite_logprob(token("x", None).token) is None


async def test_details_of_the_text_generation_api(client: aiohttp.ClientSession) -> None:
    parameters = {"details": True, "decoder_input_details": True, "top_n_tokens": 2}
    body = {"inputs": "Hi", "parameters": parameters}
    details = (await answer(client, "/generate", body))["details"]
    assert details["prefill"] == [
        {"id": 0, "text": "H", "logprob": None},
        {"id": 1, "text": "i", "logprob": -0.5},
    ]
    assert details["tokens"][1] == {"id": 1, "text": ", ", "logprob": -0.5, "special": False}
    assert [each["text"] for each in details["top_tokens"][2]] == ["world", "t1"]


async def test_events_of_the_text_generation_api(client: aiohttp.ClientSession) -> None:
    body = {"inputs": "Hi", "parameters": {"details": True, "top_n_tokens": 2}}
    found = await chunks(client, "/generate_stream", body)
    assert [each["token"]["text"] for each in found] == ["Hello", ", ", "world", ""]
    assert [each["token"]["id"] for each in found] == [0, 1, 2, None]
    assert [each["text"] for each in found[0]["top_tokens"]] == ["Hello", "t1"]
    assert found[-1]["generated_text"] == "Hello, world"
    assert found[-1]["details"]["generated_tokens"] == 3


async def test_a_stream_has_no_tokens_of_the_prompt(client: aiohttp.ClientSession) -> None:
    body = {"inputs": "Hi", "parameters": {"decoder_input_details": True}}
    response = await client.post("/generate_stream", json=body)
    assert response.status == 422
    assert "parameters.decoder_input_details" in (await response.json())["error"]


async def test_an_engine_without_log_probabilities_has_other_details(script: FakeBackend) -> None:
    del script.loaded.features[:]
    body = {"inputs": "Hi", "parameters": {"details": True}}
    async with gateway(lambda _: script) as client:
        details = (await answer(client, "/generate", body))["details"]
    assert (details["tokens"], details["generated_tokens"]) == ([], 3)
    assert not script.requests[0].options.HasField("logprobs")
