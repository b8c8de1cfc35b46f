"""What a real vLLM does, and the double does not have: `make vllm` runs these."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.vllm.engine import VllmEngine
from tests.model_server.conftest import REAL_VLLM, Running, Setup, generate_request, running
from tests.model_server.tiny_model import make_adapter
from tests.waiting import until

pytestmark = pytest.mark.skipif(not REAL_VLLM, reason="run by `make vllm`")
_SCHEMA = {
    "type": "object",
    "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
    "required": ["zone"],
    "additionalProperties": False,
}


@pytest.fixture
async def server(
    model_folder: Path, adapters_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    copies = tmp_path_factory.mktemp("copies")
    engine = VllmEngine(REAL_VLLM, model_path=model_folder, adapters_dir=copies)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


async def test_all_features_of_the_contract_but_vectors_are_answered(server: Running) -> None:
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    expected = (
        "chat.tools chat.tool_choice chat.template_arguments chat.continue_final_message "
        "chat.messages.tool_calls chat.messages.reasoning structured_output priority token_ids "
        "options.logprobs options.top_logprobs options.prompt_logprobs options.return_token_ids "
        "options.min_p options.logit_bias options.ignore_eos options.frequency_penalty "
        "options.presence_penalty"
    )
    assert set(expected.split()) <= set(model.features)
    assert "embed" not in model.features
    assert model.architecture == "Phi3ForCausalLM"
    assert "POST /v1/responses" in model.http_routes


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        (pb.StructuredOutput(choice=pb.Texts(texts=["gold", "rum"])), {"gold", "rum"}),
        (pb.StructuredOutput(regex="(ship|sea)[0-9]"), None),
        (pb.StructuredOutput(grammar='root ::= "yes" | "no"'), {"yes", "no"}),
        (pb.StructuredOutput(grammar='start: "yes" | "no"'), {"yes", "no"}),
        (pb.StructuredOutput(json_schema=json.dumps(_SCHEMA)), None),
    ],
    ids="choice regex gbnf lark schema".split(),
)
async def test_an_answer_matches_what_it_has_to(
    server: Running, output: pb.StructuredOutput, texts: set[str] | None
) -> None:
    request = generate_request(max_new_tokens=120)
    request.structured_output.CopyFrom(output)
    text = (await server.stub.Generate(request)).choices[0].text
    if texts:
        assert text in texts
    elif output.WhichOneof("format") == "regex":
        assert text[:-1] in ("ship", "sea") and text[-1].isdigit()
    else:
        assert json.loads(text)["zone"] in ("UTC", "CET")


async def test_a_grammar_that_is_none_is_named(server: Running) -> None:
    request = generate_request()
    request.structured_output.grammar = "nonsense"
    with pytest.raises(grpc.aio.AioRpcError, match="Invalid grammar") as caught:
        await server.stub.Generate(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["", "now"])
async def test_a_required_call_keeps_to_its_schema(server: Running, name: str) -> None:
    chat = pb.Chat(
        messages=[pb.ChatMessage(role="user", content="time?")],
        tools=[pb.Tool(name="now", parameters=json.dumps(_SCHEMA))],
        tool_choice=pb.ToolChoice(mode=pb.ToolChoice.MODE_REQUIRED, name=name),
    )
    options = pb.GenerationOptions(max_new_tokens=200, do_sample=False)
    request = pb.GenerateRequest(chat=chat, options=options)
    choice = (await server.stub.Generate(request)).choices[0]
    assert choice.finish_reason == pb.FINISH_REASON_TOOL_CALLS
    (call,) = choice.tool_calls
    assert (call.name, bool(call.id)) == ("now", True)
    assert json.loads(call.arguments)["zone"] in ("UTC", "CET")


async def test_half_an_adapter_is_between_none_and_all_of_it(
    server: Running, adapters_folder: Path
) -> None:
    """The log probability of the first token after the prompt's, as the strength grows."""

    async def first(model: str) -> list[float]:
        request = generate_request(
            model=model, max_new_tokens=1, logprobs=True, top_logprobs=20, return_token_ids=True
        )
        answer = await server.stub.Generate(request)
        return [round(each.logprob, 3) for each in answer.choices[0].logprobs[0].top]

    whole, base = await first("poet"), await first("")
    await server.administration.unload("poet")
    loaded = {}
    for strength in (0.0, 0.5, 1.0):
        await server.administration.load(pb.LoadAdapterRequest(name="poet", strength=strength))
        loaded[strength] = await first("poet")
        await server.administration.unload("poet")
    assert loaded[0.0] == base
    assert loaded[1.0] == whole
    assert loaded[0.5] not in (base, whole)


async def test_an_adapter_above_the_servers_rank_is_named(
    server: Running, adapters_folder: Path
) -> None:
    make_adapter(adapters_folder / "wide", rank_pattern={"nothing": 64})
    with pytest.raises(grpc.aio.AioRpcError, match="greater than max_lora_rank") as caught:
        await server.administration.load(pb.LoadAdapterRequest(name="wide"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "'wide'" in (caught.value.details() or "")


async def test_a_client_that_leaves_frees_the_engine(server: Running) -> None:
    """By vLLM's own count of running requests."""

    async def busy() -> float:
        async with aiohttp.ClientSession() as session, session.get(f"{REAL_VLLM}/metrics") as found:
            text = await found.text()
        lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
        return sum(float(line.split()[-1]) for line in lines)

    request = generate_request(max_new_tokens=1800, min_new_tokens=1800)
    call = server.stub.StreamGenerate(pb.StreamGenerateRequest(request=request))
    await call.read()
    assert await busy() == 1
    call.cancel()
    idle = asyncio.Event()

    async def watch() -> None:
        while await busy():
            await asyncio.sleep(0.05)
        idle.set()

    watching = asyncio.create_task(watch())
    await until(idle.is_set)
    await watching
