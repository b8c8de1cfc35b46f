"""The text-generation-inference API: requests, whole answers, events and errors."""

import json
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.tgi import TextGenerationInference
from inference_gateway.settings import Settings
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import gateway

WHOLE, STREAM = TextGenerationInference("whole"), TextGenerationInference("stream")
EITHER = TextGenerationInference("either")
HI = {"inputs": "Hi"}


def body(**parameters: Any) -> bytes:
    return json.dumps({**HI, "parameters": parameters}).encode()


def options(generation: GenerationContext, **parameters: Any) -> pb.GenerationOptions:
    (request,) = WHOLE.parse(body(**parameters)).requests(generation)
    return request.options


def rejection(data: bytes) -> Problem:
    with pytest.raises(RequestRejected) as caught:
        WHOLE.parse(data)
    return caught.value.problem


def answer(text: str = "Blue.", reason: pb.FinishReason = pb.FINISH_REASON_STOP) -> Any:
    return pb.GenerateResponse(
        choices=[pb.Choice(text=text, finish_reason=reason)],
        usage=pb.Usage(prompt_tokens=4, completion_tokens=2),
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"max_new_tokens": 100, "do_sample": False}),
        ({"max_new_tokens": None}, {"do_sample": False}),
        ({"max_new_tokens": 5}, {"max_new_tokens": 5, "do_sample": False}),
        ({"do_sample": True}, {"max_new_tokens": 100, "do_sample": True}),
        ({"temperature": 0.5}, {"max_new_tokens": 100, "do_sample": True, "temperature": 0.5}),
        ({"temperature": 1.0}, {"max_new_tokens": 100, "do_sample": False, "temperature": 1.0}),
        ({"top_k": 3}, {"max_new_tokens": 100, "do_sample": True, "top_k": 3}),
        ({"top_p": 0.5}, {"max_new_tokens": 100, "do_sample": True, "top_p": 0.5}),
        ({"typical_p": 0.5}, {"max_new_tokens": 100, "do_sample": True, "typical_p": 0.5}),
        ({"stop": ["a", ""]}, {"max_new_tokens": 100, "do_sample": False, "stop": ["a"]}),
        ({"seed": 0}, {"max_new_tokens": 100, "do_sample": False, "seed": 0}),
    ],
    ids=str,
)
def test_options(
    generation: GenerationContext, parameters: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert options(generation, **parameters) == pb.GenerationOptions(**expected)


def test_prompt_is_continued_without_a_template(generation: GenerationContext) -> None:
    (request,) = WHOLE.parse(body()).requests(generation)
    assert request.prompt == "Hi" and generation.model.has_chat_template


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("best_of", 2),
        ("truncate", 0),
        ("watermark", True),
    ],
)
def test_what_cannot_be_answered_is_rejected_by_name(name: str, value: Any) -> None:
    problem = rejection(body(**{name: value}))
    assert problem.status == 422
    assert problem.message == f"parameters.{name} is not supported by this server; leave it out"


@pytest.mark.parametrize(
    "parameters",
    [{"best_of": 1}, {"decoder_input_details": False}, {"top_n_tokens": 0}, {"watermark": False}],
    ids=str,
)
def test_values_without_effect_are_accepted(parameters: dict[str, Any]) -> None:
    assert WHOLE.parse(body(**parameters)).ignored_parameters(pb.Model()) == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "the body is not JSON: "),
        (b"[]", "the body: Input should be an object"),
        (b"{}", "missing required field: 'inputs'"),
        (b'{"inputs": 5}', "inputs: Input should be a valid string"),
        (body(stop="x"), "parameters.stop: Input should be a valid array"),
        (body(top_k="5"), "parameters.top_k: Input should be a valid integer"),
        (body(seed=-1), "parameters.seed: Input should be greater than or equal to 0"),
        (body(temperature=float("nan")), "parameters.temperature: Input should be a finite number"),
    ],
)
def test_wrong_bodies_are_rejected_by_field(data: bytes, message: str) -> None:
    problem = rejection(data)
    assert (problem.status, problem.message[: len(message)]) == (422, message)


def test_model_and_adapter_are_not_both_named() -> None:
    data = json.dumps({**HI, "model": "a", "parameters": {"adapter_id": "b"}}).encode()
    assert "parameters.adapter_id" in rejection(data).message
    assert WHOLE.parse(body(adapter_id="b")).model == "b"


def test_what_has_no_effect_is_reported() -> None:
    data = {**HI, "x": 1, "parameters": {"top_n_tokens": 2, "y": 1, "z": None}}
    parsed = WHOLE.parse(json.dumps(data).encode())
    assert parsed.ignored_parameters(pb.Model()) == ("x", "parameters.top_n_tokens", "parameters.y")


@pytest.mark.parametrize(
    ("parameters", "reason", "finish_reason"),
    [
        ({}, pb.FINISH_REASON_STOP, "eos_token"),
        ({"stop": ["x"]}, pb.FINISH_REASON_STOP, "stop_sequence"),
        ({}, pb.FINISH_REASON_LENGTH, "length"),
    ],
)
def test_details(
    generation: GenerationContext, parameters: Any, reason: pb.FinishReason, finish_reason: str
) -> None:
    parsed = WHOLE.parse(body(details=True, seed=3, **parameters))
    assert json.loads(parsed.response_body([answer(reason=reason)], generation)) == {
        "generated_text": "Blue.",
        "details": {
            "finish_reason": finish_reason,
            "generated_tokens": 2,
            "seed": 3,
            "prefill": [],
            "tokens": [],
        },
    }


def test_root_returns_a_list_and_full_text_starts_with_the_prompt(
    generation: GenerationContext,
) -> None:
    parsed = EITHER.parse(body(return_full_text=True))
    assert json.loads(parsed.response_body([answer()], generation)) == [
        {"generated_text": "HiBlue."}
    ]


def test_events(generation: GenerationContext) -> None:
    encoder = STREAM.parse(body(return_full_text=True)).event_encoder(generation)
    messages = (
        pb.StreamGenerateResponse(text="Bl", model="m"),
        pb.StreamGenerateResponse(),
        pb.StreamGenerateResponse(text="ue", finish_reason=pb.FINISH_REASON_LENGTH),
    )
    data = b"".join(encoder.encode(0, each) for each in messages)
    data += encoder.end(pb.Usage(prompt_tokens=4, completion_tokens=2))
    events = [json.loads(line.removeprefix("data: ")) for line in data.decode().split("\n\n")[:-1]]
    details = {
        "finish_reason": "length",
        "generated_tokens": 2,
        "seed": None,
        "input_length": 4,
    }
    assert events == [
        {
            "index": 1,
            "token": {"id": None, "text": "Bl", "logprob": None, "special": False},
            "generated_text": None,
            "details": None,
        },
        {
            "index": 2,
            "token": {"id": None, "text": "ue", "logprob": None, "special": False},
            "generated_text": "HiBlue",
            "details": details,
        },
    ]


@pytest.mark.parametrize("prefix", ["", "/workspaces/default/workspace"])
async def test_routes_through_a_gateway(script: FakeBackend, prefix: str) -> None:
    settings = Settings(backend="127.0.0.1:1", namespace="default", workspace="workspace")
    async with gateway(lambda _: script, settings) as client:
        whole = await client.post(f"{prefix}/generate", json=HI)
        assert await whole.json() == {"generated_text": "Hello, world"}
        root = await client.post(prefix or "/", json=HI)
        assert await root.json() == [{"generated_text": "Hello, world"}]
        for path, fields in ((f"{prefix}/generate_stream", {}), (prefix or "/", {"stream": True})):
            stream = await client.post(path, json=HI | fields)
            assert stream.content_type == "text/event-stream"
            lines = (await stream.text()).split("\n\n")[:-1]
            events = [json.loads(line.removeprefix("data: ")) for line in lines]
            assert "".join(each["token"]["text"] for each in events) == "Hello, world"
            assert events[-1]["generated_text"] == "Hello, world"
            assert events[-1]["details"]["generated_tokens"] == 3
        info = await (await client.get(f"{prefix}/info")).json()
        assert info["model_id"] == "phi-3-mini-128k-instruct"
        assert (info["max_input_tokens"], info["max_total_tokens"]) == (131071, 131072)


async def test_root_still_answers_get(script: FakeBackend) -> None:
    async with gateway(lambda _: script) as client:
        response = await client.get("/")
        assert await response.json() == {"message": "Server is running"}
        assert (await client.head("/")).status == 200


@pytest.mark.parametrize(
    ("code", "field", "status", "kind", "message"),
    [
        ("INVALID_ARGUMENT", "options.top_p", 400, "validation", "parameters.top_p = 3"),
        ("RESOURCE_EXHAUSTED", "", 429, "overloaded", "options.top_p = 3"),
        ("UNAVAILABLE", "", 503, "healthcheck", "options.top_p = 3"),
        ("INTERNAL", "", 500, "generation", "options.top_p = 3"),
    ],
)
async def test_errors_have_that_apis_shape(
    script: FakeBackend, code: str, field: str, status: int, kind: str, message: str
) -> None:
    script.failures.append(BackendError(grpc.StatusCode[code], "options.top_p = 3", field=field))
    async with gateway(lambda _: script) as client:
        response: aiohttp.ClientResponse = await client.post("/generate", json=HI)
        assert response.status == status
        assert await response.json() == {"error": message, "error_type": kind}


async def test_stream_that_breaks_ends_with_an_error_event(script: FakeBackend) -> None:
    script.break_after = 1
    async with gateway(lambda _: script) as client:
        text = await (await client.post("/generate_stream", json=HI)).text()
    last = json.loads(text.split("\n\n")[-2].removeprefix("data: "))
    assert last == {"error": "the engine broke", "error_type": "generation"}


async def test_info_of_an_unknown_workspace_is_404(script: FakeBackend) -> None:
    async with gateway(lambda _: script) as client:
        response = await client.get("/workspaces/x/y/info")
        assert response.status == 404
        assert (await response.json())["error_type"] == "validation"
