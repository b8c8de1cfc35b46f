"""What is compared: three ways to the same model, each of which answers one prompt."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel

GRPC, GATEWAY, PEER = "grpc", "gateway", "its own server"
# What our server calls the model.
MODEL_NAME = "m"


@dataclass(slots=True)
class Answer:
    """A streamed answer: its text, its tokens, and when each of its parts came, in seconds."""

    texts: list[str] = field(default_factory=list)
    tokens: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def gaps(self) -> list[float]:
        """The seconds between two parts."""
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]

    def add(self, text: str) -> None:
        """A part that has just arrived."""
        self.texts.append(text)
        if text:
            self.times.append(time.perf_counter())


# A prompt, and the number of new tokens.
Ask = Callable[[str, int], Awaitable[Answer]]


@asynccontextmanager
async def connect(ports: Mapping[str, int], peer_model: str) -> AsyncIterator[dict[str, Ask]]:
    """The ways by their names, with open connections. The peer's server has `peer_model`."""
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(open_channel(f"127.0.0.1:{ports[GRPC]}"))
        ways = {GRPC: _over_grpc(channel)}
        for name, model in ((GATEWAY, MODEL_NAME), (PEER, peer_model)):
            connector = aiohttp.TCPConnector(limit=0)
            base = f"http://127.0.0.1:{ports[name]}"
            session = aiohttp.ClientSession(base, connector=connector)
            ways[name] = _over_http(await stack.enter_async_context(session), model)
        yield ways


def _over_grpc(channel: grpc.aio.Channel) -> Ask:
    stub = inference_pb2_grpc.InferenceServiceStub(channel)

    async def ask(prompt: str, new_tokens: int) -> Answer:
        options = pb.GenerationOptions(max_new_tokens=new_tokens, do_sample=False)
        request = pb.StreamGenerateRequest(
            request=pb.GenerateRequest(prompt=prompt, options=options)
        )
        answer = Answer()
        async for message in stub.StreamGenerate(request):
            answer.add(message.text)
            answer.tokens += message.usage.completion_tokens
        return answer

    return ask


def _over_http(session: aiohttp.ClientSession, model: str) -> Ask:
    async def ask(prompt: str, new_tokens: int) -> Answer:
        body = {
            "model": model,
            "prompt": prompt,
            "max_tokens": new_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        answer = Answer()
        async with session.post("/v1/completions", json=body) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line.removeprefix(b"data: "))
                for choice in event["choices"]:
                    answer.add(choice["text"])
                answer.tokens += (event.get("usage") or {}).get("completion_tokens", 0)
        return answer

    return ask
