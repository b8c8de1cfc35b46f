"""Measures engines behind the model-server beside their own servers.

The transformers engine beside `transformers serve` with continuous batching, and vLLM for CPUs
through gRPC and through the gateway beside vLLM's own OpenAI server. All have one model, the same
threads and the same load, on loopback. The ways to an engine are loaded in turn, round by round, so
that what else the machine does meets all of them.

    python -m benchmarks.serving [--rounds 5]
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.serving.contenders import GATEWAY, GRPC, NEW_TOKENS, PEER, Answer, Ask, connect
from benchmarks.serving.prompts import make_prompts
from benchmarks.serving.results import Results
from benchmarks.serving.servers import (
    API_SERVER,
    MODEL_SERVER,
    Contest,
    make_model,
    start_transformers,
    start_vllm,
)
from tools import vllm_server

_STREAMS = 16
_REQUESTS = 32
# The processes between a client and the engine; in that of vLLM's API server no model runs.
_HOPS = {
    GRPC: (MODEL_SERVER, API_SERVER),
    GATEWAY: (MODEL_SERVER, GATEWAY, API_SERVER),
    PEER: (API_SERVER,),
}
# Where prompts begin, so that they differ from way to way and are equally long.
_MARKS = {GRPC: "1", GATEWAY: "2", PEER: "3"}


async def run_load(ask: Ask, prompts: Sequence[str]) -> tuple[float, dict[str, Answer]]:
    """Seconds for all prompts, of which `_STREAMS` run at once, and their answers."""
    turn, answers = asyncio.Semaphore(_STREAMS), {}

    async def run(prompt: str) -> None:
        async with turn:
            answers[prompt] = await ask(prompt)

    start = time.perf_counter()
    await asyncio.gather(*map(run, prompts))
    return time.perf_counter() - start, answers


async def measure(contest: Contest, rounds: int) -> Results:
    """Every way of one engine, in turns."""
    results = Results(contest.engine, contest.peer)
    async with connect(contest.ports, contest.peer_model) as ways:
        for number in range(-1, rounds):
            # New prompts in each round, and the same ones for all ways.
            prompts = make_prompts(_REQUESTS, seed=number)
            texts = {}
            for name, ask in ways.items():
                # No way finds a prefix that another one left in the cache of the engine.
                mark = _MARKS[GRPC if name == PEER and contest.has_own_cache else name]
                own = [f"{mark} {prompt}" for prompt in prompts]
                hops = [hop for hop in _HOPS[name] if hop in contest.hops]
                before = {hop: contest.hops[hop].cpu_seconds for hop in hops}
                seconds, answers = await run_load(ask, own)
                _check(name, answers)
                texts[name] = [answers[prompt].text for prompt in own]
                # The first round warms up.
                if number >= 0:
                    results.add(name, answers.values(), seconds)
                    for hop, start in before.items():
                        results.add_cpu(name, hop, contest.hops[hop].cpu_seconds - start)
            if contest.has_own_cache and number >= 0:
                results.compare(texts[GRPC], texts[PEER])
    return results


def _check(name: str, answers: Mapping[str, Answer]) -> None:
    tokens = sum(answer.tokens for answer in answers.values())
    if tokens != _REQUESTS * NEW_TOKENS:
        raise SystemExit(f"{name}: {tokens} tokens, not {_REQUESTS * NEW_TOKENS}")


def run(
    start: Callable[[ExitStack, Path, Path, int], Contest], model: Path, rounds: int, threads: int
) -> Results:
    """Start an engine, measure it and end it, before the next one takes the machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        results = asyncio.run(measure(start(stack, folder, model, threads), rounds))
    print(*results.lines(), "", sep="\n", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the medians are shown")
    parser.add_argument("--threads", type=int, default=1, help="compute threads of each server")
    parser.add_argument("--only", choices=("transformers", "vllm"), help="one engine")
    options = parser.parse_args()
    starts = {"transformers": start_transformers, "vllm": start_vllm}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder))
        for name, start in starts.items():
            if options.only not in (None, name):
                continue
            if name == "vllm" and not vllm_server.PYTHON.exists():
                found.append("vllm skipped: make venv-vllm installs it")
                continue
            results = run(start, model, options.rounds, options.threads)
            found.append(f"{name} {results.ratio:.2f}x")
    print(f"serving: {', '.join(found)}")


if __name__ == "__main__":
    main()
