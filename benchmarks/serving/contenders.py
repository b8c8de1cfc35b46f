"""What is compared: three ways to the same model, each of which answers one prompt."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel

GRPC, GATEWAY, SERVE = "grpc", "gateway", "transformers serve"
NEW_TOKENS = 64
# What our server calls the model.
MODEL_NAME = "m"


@dataclass(frozen=True, slots=True)
class Answer:
    """A streamed answer: its text, its tokens, and the parts that it came in."""

    text: str
    tokens: int
    parts: int


Ask = Callable[[str], Awaitable[Answer]]


@asynccontextmanager
async def connect(ports: Mapping[str, int], served: Path) -> AsyncIterator[dict[str, Ask]]:
    """The ways by their names, with open connections. `transformers serve` has `served`."""
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(open_channel(f"127.0.0.1:{ports[GRPC]}"))
        ways = {GRPC: _over_grpc(channel)}
        for name, model in ((GATEWAY, MODEL_NAME), (SERVE, str(served))):
            connector = aiohttp.TCPConnector(limit=0)
            base = f"http://127.0.0.1:{ports[name]}"
            session = aiohttp.ClientSession(base, connector=connector)
            ways[name] = _over_http(await stack.enter_async_context(session), model)
        yield ways


def _over_grpc(channel: grpc.aio.Channel) -> Ask:
    stub = inference_pb2_grpc.InferenceServiceStub(channel)

    async def ask(prompt: str) -> Answer:
        options = pb.GenerationOptions(max_new_tokens=NEW_TOKENS, do_sample=False)
        request = pb.StreamGenerateRequest(
            request=pb.GenerateRequest(prompt=prompt, options=options)
        )
        texts, tokens = [], 0
        async for message in stub.StreamGenerate(request):
            texts.append(message.text)
            tokens += message.usage.completion_tokens
        return Answer("".join(texts), tokens, len(texts))

    return ask


def _over_http(session: aiohttp.ClientSession, model: str) -> Ask:
    async def ask(prompt: str) -> Answer:
        body = {
            "model": model,
            "prompt": prompt,
            "max_tokens": NEW_TOKENS,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        texts, tokens = [], 0
        async with session.post("/v1/completions", json=body) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line.removeprefix(b"data: "))
                texts += [choice["text"] for choice in event["choices"]]
                tokens += (event.get("usage") or {}).get("completion_tokens", 0)
        return Answer("".join(texts), tokens, len(texts))

    return ask
