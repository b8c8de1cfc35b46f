"""Compares prefix affinity with least load and round robin, on the same conversations.

The choice is made by the front door's own code. The engines are simulated, so that the result
depends on no machine; with --engines, four model-servers with a small model answer as well. Prints
how much of all prompts was cached, the time to the first token, and the load of the busiest replica
in means of all of them.

    python -m benchmarks.routing [--replicas 4] [--gateways 2] [--conversations 600] [--seed 1]
                                [--engines]
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.routing import cpu_engines, policies
from benchmarks.routing.conversations import draw
from benchmarks.routing.engine import Speed
from benchmarks.routing.replay import Result, replay

# About half of what four replicas prefill without any cache.
_CONVERSATIONS_PER_SECOND = 1.2
_HEAD = f"{'':<16}{'cached':>9}{'TTFT p50':>13}{'TTFT p99':>13}{'in flight':>11}{'requests':>11}"
_POLICIES = (policies.AFFINITY, policies.LEAST_LOAD, policies.ROUND_ROBIN)
# Some of them at a time, on machines with two cores.
_ENGINE_CONVERSATIONS = 28


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values."""
    return values[min(int(len(values) * share), len(values) - 1)]


def row(result: Result) -> str:
    """One line of the table."""
    p50, p99 = (percentile(result.first_token_seconds, share) * 1000 for share in (0.5, 0.99))
    return (
        f"{result.policy:<16}{result.hit_rate:>9.1%}{p50:>10.0f} ms{p99:>10.0f} ms"
        f"{result.busiest_in_flight:>11.2f}{result.busiest_requests:>11.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--conversations", type=int, default=600)
    parser.add_argument("--per-second", type=float, default=_CONVERSATIONS_PER_SECOND)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", action="store_true", help="real model-servers as well")
    options = parser.parse_args()
    conversations = draw(options.conversations, options.per_second, options.seed)
    requests = sum(len(each.turns) for each in conversations)
    print(
        f"{requests} requests of {options.conversations} conversations, {options.gateways} "
        f"gateways, {options.replicas} replicas; load is the busiest replica's in means of all\n"
    )
    print(_HEAD)
    for name in _POLICIES:
        result = replay(name, conversations, replicas=options.replicas, gateways=options.gateways)
        print(row(result), flush=True)
    endless = Speed(prefill_tokens_per_second=1e9, cache_tokens=10**9)
    best = replay(policies.ROUND_ROBIN, conversations, replicas=1, gateways=1, speed=endless)
    print(f"\n{best.hit_rate:.1%} is the most: one replica with a cache that never forgets")
    if options.engines:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_with_engines(Path(folder), options.replicas, options.seed))


async def _with_engines(folder: Path, count: int, seed: int) -> None:
    conversations = draw(_ENGINE_CONVERSATIONS, _CONVERSATIONS_PER_SECOND, seed)
    print(f"\n{count} model-servers with the transformers engine on this machine, one gateway\n")
    async with cpu_engines.running(folder, count) as replicas:
        print(_HEAD)
        for name in _POLICIES:
            print(row(await cpu_engines.replay(name, conversations, replicas)), flush=True)


if __name__ == "__main__":
    main()
