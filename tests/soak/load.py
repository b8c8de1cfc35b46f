"""Clients: each asks one random question after the other, over HTTP or gRPC, and may hang up."""

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from tests.soak.answers import RIGHT, request_of
from tests.soak.faults import is_expected
from tests.soak.http_apis import APIS, HttpApi, events_of
from tests.soak.outcomes import LEFT, Outcomes
from tests.soak.question import TOKENS, Question
from tests.soak.world import World

_HANG_UP_SHARE = 0.15
_GRPC_SHARE = 0.2
TIMEOUT_SECONDS = 120.0


class _Failed(Exception):
    """The request had no answer; the message is the status."""


class _HungUp(Exception):
    """The client left; the message is the part of the answer that it had received."""


@dataclass(slots=True)
class Client:
    """One user with a random source of its own."""

    world: World
    outcomes: Outcomes
    source: random.Random
    session: aiohttp.ClientSession

    async def run(self, goes_on: Callable[[], bool]) -> None:
        while goes_on():
            if self.source.random() < _GRPC_SHARE:
                streams = self.source.random() < 0.5
                question = self._question(self.source.random() < 0.5)
                name = "gRPC stream" if streams else "gRPC"
                await self._observe(name, question, self._ask_grpc(question, streams))
            else:
                api = self.source.choice(APIS)
                question = self._question(api.is_chat)
                name = f"{api.path} stream" if api.streams else api.path
                await self._observe(name, question, self._ask_http(api, question))

    def _question(self, is_chat: bool) -> Question:
        questions = self.world.answers.by_question
        return self.source.choice([each for each in questions if each.is_chat == is_chat])

    async def _observe(self, api: str, question: Question, asked: Awaitable[str]) -> None:
        was_troubled = question.workspace in self.world.troubled
        judge = self.world.answers.judge
        try:
            answer = await asked
        except _HungUp as left:
            verdict = judge(question, str(left), is_whole=False)
            outcome = LEFT if verdict == RIGHT else verdict
            self.outcomes.answer(api, outcome, f"{question} began {str(left)!r}")
        except (_Failed, aiohttp.ClientError, TimeoutError) as error:
            allowed = is_expected(self.world, question.workspace, question.model, was_troubled)
            words = str(error) if isinstance(error, _Failed) else repr(error)
            self.outcomes.error(api, words, allowed=allowed)
        else:
            self.outcomes.answer(api, judge(question, answer), f"{question} got {answer!r}")

    async def _ask_http(self, api: HttpApi, question: Question) -> str:
        body = api.body(question)
        prefix = ""
        if question.model or self.source.random() < 0.5:
            prefix = f"/workspaces/{question.workspace}"
        body["model"] = question.model or question.workspace
        if question.model == "" and prefix:
            del body["model"]
        url = self.world.gateway.url + prefix + api.path
        leaves_after = self._leaves_after()
        async with self.session.post(url, json=body) as response:
            if leaves_after == 0:
                raise _HungUp("")
            if response.status != 200:
                raise _Failed(f"{response.status} {_problem(await response.text())}")
            if not api.streams:
                return api.text(json.loads(await response.read()))
            return await _read_events(api, response, leaves_after)

    async def _ask_grpc(self, question: Question, streams: bool) -> str:
        request = request_of(question)
        leaves_after = self._leaves_after()
        address = self.world.servers[question.workspace].address
        try:
            async with open_channel(address) as channel:
                stub = inference_pb2_grpc.InferenceServiceStub(channel)
                if not streams:
                    answer = await stub.Generate(request, timeout=TIMEOUT_SECONDS)
                    return str(answer.choices[0].text)
                wrapped = pb.StreamGenerateRequest(request=request)
                texts: list[str] = []
                async for message in stub.StreamGenerate(wrapped, timeout=TIMEOUT_SECONDS):
                    texts.append(message.text)
                    if len(texts) == leaves_after:
                        raise _HungUp("".join(texts))
                return "".join(texts)
        except grpc.aio.AioRpcError as error:
            raise _Failed(f"gRPC {error.code().name}") from None

    def _leaves_after(self) -> int | None:
        """After how many parts of the answer the client hangs up, if it does."""
        if self.source.random() >= _HANG_UP_SHARE:
            return None
        return self.source.randint(0, TOKENS)


async def _read_events(
    api: HttpApi, response: aiohttp.ClientResponse, leaves_after: int | None
) -> str:
    """The text of a stream.

    Raises:
        _Failed: an event says that the answer cannot be continued.
        _HungUp: the client left.
    """
    received, parts = b"", 0
    async for chunk in response.content.iter_any():
        received += chunk
        parts += 1
        if parts == leaves_after:
            raise _HungUp(_text(api, received))
    return _text(api, received)


def _text(api: HttpApi, received: bytes) -> str:
    texts = []
    for event in events_of(received.decode(errors="replace")):
        if "error" in event or "detail" in event:
            raise _Failed(f"event {_problem(json.dumps(event))}")
        texts.append(api.text(event))
    return "".join(texts)


def _problem(body: str) -> str:
    """The code of an error, or its first words: the rest names the request."""
    try:
        problem = json.loads(body)
    except ValueError:
        return body[:60]
    inner = problem.get("error")
    if isinstance(inner, dict):
        return str(inner.get("code"))
    return str(inner or problem.get("detail"))[:60]
