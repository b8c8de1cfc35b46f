"""Measures the transformers engine beside `transformers serve` with continuous batching.

Both serve one model with the same threads and the same KV cache, on loopback, and are loaded in
turn, round by round, so that what else the machine does meets all of them.

    python -m benchmarks.serving [--rounds 5]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.serving.contenders import (
    GATEWAY,
    GRPC,
    NEW_TOKENS,
    SERVE,
    Answer,
    Ask,
    connect,
)
from benchmarks.serving.prompts import make_prompts
from benchmarks.serving.servers import start

_STREAMS = 16
_REQUESTS = 32


async def run_load(ask: Ask, prompts: Sequence[str]) -> tuple[float, dict[str, Answer]]:
    """Seconds for all prompts, of which `_STREAMS` run at once, and their answers."""
    turn, answers = asyncio.Semaphore(_STREAMS), {}

    async def run(prompt: str) -> None:
        async with turn:
            answers[prompt] = await ask(prompt)

    start = time.perf_counter()
    await asyncio.gather(*map(run, prompts))
    return time.perf_counter() - start, answers


async def compare(ways: Mapping[str, Ask], rounds: int) -> dict[str, list[float]]:
    """Tokens a second of each way in each round."""
    rates: dict[str, list[float]] = defaultdict(list)
    same = total = 0
    for number in range(-1, rounds):
        # New prompts in each round, and the same ones for all ways.
        prompts = make_prompts(_REQUESTS, seed=number)
        texts = {}
        for name, ask in ways.items():
            # No way finds a prefix that another one left: GRPC and GATEWAY share a server.
            own = [f"{name} {prompt}" for prompt in prompts] if name == GATEWAY else prompts
            seconds, answers = await run_load(ask, own)
            tokens = sum(answer.tokens for answer in answers.values())
            if tokens != _REQUESTS * NEW_TOKENS:
                raise SystemExit(f"{name}: {tokens} tokens, not {_REQUESTS * NEW_TOKENS}")
            texts[name] = [answers[prompt].text for prompt in own]
            # The first round warms up.
            if number >= 0:
                rates[name].append(tokens / seconds)
        same += sum(a == b for a, b in zip(texts[GRPC], texts[SERVE], strict=True))
        total += _REQUESTS
    print(f"{same} of {total} answers are equal")
    return rates


def report(rates: Mapping[str, Sequence[float]]) -> list[str]:
    """The table, and the last line: our tokens a second over theirs."""
    lines = [f"{'':<20}{'tokens/s, median':>18}{'lowest':>9}{'highest':>9}{'of serve':>10}"]
    for name, found in rates.items():
        shares = [own / theirs for own, theirs in zip(found, rates[SERVE], strict=True)]
        lines.append(
            f"{name:<20}{statistics.median(found):>18.0f}{min(found):>9.0f}{max(found):>9.0f}"
            f"{statistics.median(shares):>10.2f}"
        )
    slower = min(
        statistics.median(
            own / theirs for own, theirs in zip(rates[name], rates[SERVE], strict=True)
        )
        for name in (GRPC, GATEWAY)
    )
    return [*lines, "", f"serving: transformers {slower:.2f}x"]


async def measure(ports: Mapping[str, int], model: Path, rounds: int) -> dict[str, list[float]]:
    """Tokens a second of each way in each round."""
    async with connect(ports, model) as ways:
        return await compare(ways, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the medians are shown")
    parser.add_argument("--threads", type=int, default=1, help="compute threads of each server")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports, model = start(stack, folder, options.threads)
        rates = asyncio.run(measure(ports, model, options.rounds))
    print(*report(rates), sep="\n")


if __name__ == "__main__":
    main()
