"""Replays conversations through gateways to engines, in simulated time. Pure."""

import heapq
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.routing import policies
from benchmarks.routing.conversations import BLOCK_TOKENS, Conversation
from benchmarks.routing.engine import Engine, Speed
from benchmarks.routing.traffic import Traffic, busiest
from inference_gateway.endpoints.affinity import Load


@dataclass(frozen=True)
class Result:
    """Of one policy. The loads are those of the busiest replica, in means of all replicas."""

    policy: str
    hit_rate: float
    first_token_seconds: tuple[float, ...]
    busiest_in_flight: float
    busiest_requests: float


def replay(
    policy: str,
    conversations: Sequence[Conversation],
    *,
    replicas: int,
    gateways: int,
    speed: Speed | None = None,
    seed: int = 1,
) -> Result:
    """Every request goes through one of the gateways by chance, as through their Service."""
    speed = speed or Speed()
    engines = [Engine(f"m-{index}.n.svc:29500", speed) for index in range(replicas)]
    ways = [policies.make(policy) for _ in range(gateways)]
    counted = [[0] * replicas for _ in range(gateways)]
    drawn = random.Random(seed)
    order = itertools.count()
    waits: list[float] = []
    # (time, tie-breaker, conversation, turn, the way of an answer that ends)
    events: list[tuple[float, int, Conversation, int, tuple[int, int] | None]] = [
        (each.start_seconds, next(order), each, 0, None) for each in conversations
    ]
    heapq.heapify(events)
    while events:
        now, _, conversation, turn, way = heapq.heappop(events)
        if way is not None:
            gateway, chosen = way
            counted[gateway][chosen] -= 1
            engines[chosen].traffic.end(now)
            if turn + 1 < len(conversation.turns):
                then = now + conversation.turns[turn + 1].thinking_seconds
                heapq.heappush(events, (then, next(order), conversation, turn + 1, None))
            continue
        gateway = drawn.randrange(gateways)
        loads = [
            Load(engine.name, count)
            for engine, count in zip(engines, counted[gateway], strict=True)
        ]
        chosen = ways[gateway].choose(loads, conversation.body(turn))
        counted[gateway][chosen] += 1
        first = engines[chosen].start(now, conversation.prompt_blocks(turn))
        waits.append(first - now)
        tokens = conversation.turns[turn].answer_blocks * BLOCK_TOKENS
        end = first + tokens * speed.seconds_per_token
        heapq.heappush(events, (end, next(order), conversation, turn, (gateway, chosen)))
    cached = sum(each.cached_blocks for each in engines)
    asked = sum(each.prompt_blocks for each in engines)
    return result(policy, cached / asked, waits, [each.traffic for each in engines])


def result(
    policy: str, hit_rate: float, waits: Sequence[float], traffic: Sequence[Traffic]
) -> Result:
    """`waits` are the seconds to each first token, and `traffic` is that of each replica."""
    return Result(
        policy=policy,
        hit_rate=hit_rate,
        first_token_seconds=tuple(sorted(waits)),
        busiest_in_flight=busiest([each.in_flight_seconds for each in traffic]),
        busiest_requests=busiest([each.requests for each in traffic]),
    )
