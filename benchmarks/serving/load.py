"""The load that all ways to an engine get in turn, round by round."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.serving.contenders import GATEWAY, GRPC, PEER, Answer, Ask, connect
from benchmarks.serving.prompts import make_prompts
from benchmarks.serving.results import Results
from benchmarks.serving.servers import API_SERVER, MODEL_SERVER, Contest

# The processes between a client and the engine; in that of vLLM's API server no model runs.
_HOPS = {
    GRPC: (MODEL_SERVER, API_SERVER),
    GATEWAY: (MODEL_SERVER, GATEWAY, API_SERVER),
    PEER: (API_SERVER,),
}
# Where prompts begin, so that they differ from way to way and are equally long.
_MARKS = {GRPC: "1", GATEWAY: "2", PEER: "3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`requests` in each round, of which `streams` run at once; each answer has `new_tokens`."""

    streams: int = 16
    requests: int = 32
    new_tokens: int = 64


async def run_load(ask: Ask, prompts: Sequence[str], load: Load) -> tuple[float, dict[str, Answer]]:
    """Seconds for all prompts, and their answers."""
    turn, answers = asyncio.Semaphore(load.streams), {}

    async def run(prompt: str) -> None:
        async with turn:
            answers[prompt] = await ask(prompt, load.new_tokens)

    start = time.perf_counter()
    await asyncio.gather(*map(run, prompts))
    return time.perf_counter() - start, answers


async def measure(contest: Contest, rounds: int, load: Load) -> Results:
    """Every way of one engine, in turns.

    Raises:
        SystemExit: a way answers with another number of tokens.
    """
    results = Results(contest.engine, contest.peer)
    async with connect(contest.ports, contest.peer_model) as ways:
        for number in range(-1, rounds):
            # New prompts in each round, and the same ones for all ways.
            prompts = make_prompts(load.requests, seed=number)
            texts = {}
            for name, ask in ways.items():
                # No way finds a prefix that another one left in the cache of the engine.
                mark = _MARKS[GRPC if name == PEER and contest.has_own_cache else name]
                own = [f"{mark} {prompt}" for prompt in prompts]
                hops = [hop for hop in _HOPS[name] if hop in contest.hops]
                before = {hop: contest.hops[hop].cpu_seconds for hop in hops}
                seconds, answers = await run_load(ask, own, load)
                _check(name, answers, load)
                texts[name] = [answers[prompt].text for prompt in own]
                # The first round warms up.
                if number >= 0:
                    results.add(name, answers.values(), seconds)
                    for hop, start in before.items():
                        results.add_cpu(name, hop, contest.hops[hop].cpu_seconds - start)
            if contest.has_own_cache and number >= 0:
                results.compare(texts[GRPC], texts[PEER])
    return results


def _check(name: str, answers: Mapping[str, Answer], load: Load) -> None:
    tokens = sum(answer.tokens for answer in answers.values())
    if tokens != load.requests * load.new_tokens:
        raise SystemExit(f"{name}: {tokens} tokens, not {load.requests * load.new_tokens}")
