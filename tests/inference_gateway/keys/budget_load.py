"""Many clients on one key through three replicas, with streams that are left and a store that dies.

    python -m tests.inference_gateway.keys.budget_load [--clients 200] [--requests 20]

The engine counts for itself; in the end the ledger has to say the same, to the token.
"""

import argparse
import asyncio
import random
import resource
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import grpc

from inference_gateway.backends.backend import BackendError, TokenRequest, TokenResponse
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.keys.ledger.redis_store import RedisStore
from inference_gateway.keys.ledger.store import Settlement, Standing
from inference_gateway.keys.prices import Price, Prices
from kaito.inference.v1 import inference_pb2 as pb
from kaito_keys.api_key import ApiKey
from kaito_keys.limits import Unit, Window
from tests.inference_gateway.generation_requests import CHAT
from tests.inference_gateway.keys.keyed import bearer, issue, key_settings, usage
from tests.inference_gateway.keys.redis_server import RedisServer, redis_server
from tests.inference_gateway.running import gateway, in_pod
from tests.waiting import until

REPLICAS = 3
PRICE = Price(150_000, 600_000)
# Answers have up to so many tokens.
_LONGEST = 40
_REFUSED = (429, 503)


@dataclass
class CountingEngine(FakeBackend):
    """An engine that counts its tokens: bytes of prompts, and pieces of answers.

    Each request's seed says how long its answer is. Some calls are refused before they start.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    canceled_streams: int = 0
    nanodollars: int = 0
    refused: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(5))

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        length, prompt = self._begin(request)
        await asyncio.sleep(0)
        self._count(prompt, length)
        return pb.GenerateResponse(
            choices=[pb.Choice(text="x" * length, finish_reason=pb.FINISH_REASON_STOP)],
            usage=pb.Usage(prompt_tokens=prompt, completion_tokens=length),
            model="m",
        )

    async def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        length, prompt = self._begin(request)
        sent = 0
        try:
            for _ in range(length):
                await asyncio.sleep(0.001)
                sent += 1
                yield pb.StreamGenerateResponse(text="x", token_count=1)
            yield pb.StreamGenerateResponse(
                finish_reason=pb.FINISH_REASON_STOP,
                usage=pb.Usage(prompt_tokens=prompt, completion_tokens=length),
            )
        finally:
            self.canceled_streams += sent < length
            self._count(prompt, sent)

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        assert isinstance(request, pb.TokenizeRequest)
        return pb.TokenizeResponse(token_ids=_text(request.chat).encode())

    def _begin(self, request: pb.GenerateRequest) -> tuple[int, int]:
        if self.dice.random() < 0.02:
            self.refused += 1
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            raise BackendError(code, "the queue is full", may_have_started=False)
        length = min(request.options.seed, request.options.max_new_tokens)
        return length, len(_text(request.chat).encode())

    def _count(self, prompt: int, completion: int) -> None:
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.nanodollars += PRICE.nanodollars(prompt, completion)


def _text(chat: pb.Chat) -> str:
    return "".join(message.content for message in chat.messages)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the engine counted, what the ledger says, and how the requests ended."""

    engine: CountingEngine
    ledger: Standing
    statuses: Counter[int]
    records: list[dict[str, Any]]
    limit: int

    def spent(self, unit: Unit) -> int:
        return self.ledger.spent_of(Window.EVER, unit)


async def run(
    folder: Path,
    server: RedisServer,
    *,
    clients: int,
    requests: int,
    tokens_per_day: int,
    crashes: int = 1,
) -> Report:
    """Runs the load to its end. The store is killed in the midst of it, and started again."""
    engine = CountingEngine()
    key = issue(folder / "keys", tokensPerDay=tokens_per_day, dollarsPerMonth="1000")
    statuses: Counter[int] = Counter()
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(_replica(folder, index, server, engine))
            for index in range(REPLICAS)
        ]
        load = [
            asyncio.create_task(_client(number, urls, key, requests, statuses))
            for number in range(clients)
        ]
        for crash in range(1, crashes + 1):
            asked = clients * requests * crash // (crashes + 1)
            await until(lambda asked=asked: statuses.total() >= asked)  # type: ignore[misc]
            server.kill()
            refused = statuses[503]
            await until(lambda refused=refused: statuses[503] > refused)  # type: ignore[misc]
            await asyncio.to_thread(server.start)
        await asyncio.gather(*load)
    # The gateways have ended, and have settled everything.
    store = RedisStore(server.url)
    ledger = await store.settle(Settlement(key=key.id, id="look"))
    await store.close()
    records = [each for index in range(REPLICAS) for each in usage(folder / str(index))]
    return Report(
        engine=engine, ledger=ledger, statuses=statuses, records=records, limit=tokens_per_day
    )


def _replica(folder: Path, index: int, server: RedisServer, engine: CountingEngine) -> "Any":
    own = folder / str(index)
    own.mkdir()
    keys = replace(
        key_settings(own, store_url=server.url, prices=Prices({"*": PRICE})),
        folder=folder / "keys",
    )
    return gateway(lambda _: engine, replace(in_pod(max_concurrency=4096), keys=keys))


async def _client(
    number: int,
    sessions: list[aiohttp.ClientSession],
    key: ApiKey,
    requests: int,
    statuses: Counter[int],
) -> None:
    dice = random.Random(number)
    for _ in range(requests):
        session = dice.choice(sessions)
        body = {
            "messages": [{"role": "user", "content": "é" * dice.randint(1, 30)}],
            "seed": dice.randint(1, _LONGEST),
            "max_tokens": _LONGEST,
            "stream": dice.random() < 0.6,
        }
        leaves = body["stream"] and dice.random() < 0.5
        async with session.post(CHAT, json=body, headers=bearer(key)) as response:
            if leaves and response.status == 200:
                # Some leave before the first token, and some late.
                await response.content.read(dice.randint(0, 2000) or 1)
                response.close()
            else:
                await response.read()
        statuses[response.status] += 1
        if response.status in _REFUSED:
            await asyncio.sleep(0.02)


def describe(report: Report) -> list[str]:
    """The figures, one line each."""
    engine = report.engine
    counted = engine.prompt_tokens + engine.completion_tokens
    recorded = sum(each["prompt_tokens"] + each["completion_tokens"] for each in report.records)
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(report.statuses.items()))
    return [
        f"answers by status   {statuses}; {engine.canceled_streams} streams left",
        f"engine counted      {counted} tokens, {engine.nanodollars / 10**9:.9f} dollars",
        f"ledger says         {report.spent(Unit.TOKENS)} tokens, "
        f"{report.spent(Unit.DOLLARS) / 10**9:.9f} dollars, of at most {report.limit} tokens",
        f"usage records say   {recorded} tokens in {len(report.records)} lines",
        f"still reserved      {sum(report.ledger.reserved)}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.inference_gateway.keys.budget_load")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--requests", type=int, default=20, help="requests of each client")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kaito-") as name:
        folder = Path(name)
        with redis_server(folder) as server:
            server.start()
            # Half of what the clients would use.
            limit = options.clients * options.requests * 20
            report = asyncio.run(
                run(
                    folder,
                    server,
                    clients=options.clients,
                    requests=options.requests,
                    tokens_per_day=limit,
                )
            )
    print(*describe(report), sep="\n")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"CPU                 {used.ru_utime + used.ru_stime:.1f} s")
    counted = report.engine.prompt_tokens + report.engine.completion_tokens
    if report.spent(Unit.TOKENS) != counted or counted > limit:
        raise SystemExit("the ledger and the engine do not agree")


if __name__ == "__main__":
    main()
