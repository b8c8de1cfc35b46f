"""The ledger in Valkey or Redis, shared by all replicas of the gateway.

Calls that are made while the connection is busy go out together, as one pipeline: a call then costs
a fraction of one by itself, and one connection is enough.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from inference_gateway.keys.ledger.redis_scripts import KEY_NAMES, RESERVE, SETTLE
from inference_gateway.keys.ledger.store import (
    COUNTERS,
    WINDOWS,
    LimitReached,
    Reservation,
    Settlement,
    Standing,
    StoreUnavailable,
)

logger = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 2.0
_MAX_CALLS_PER_PIPELINE = 128
_CONCURRENT_VERDICT = len(COUNTERS) + 1
_NOTHING_SEEN = (-1,) * len(WINDOWS) + (0,) * len(COUNTERS)


@dataclass(slots=True)
class _Call:
    script: str
    key: str
    arguments: Sequence[object]
    done: "asyncio.Future[list[int]]"


class RedisStore:
    """Implements `LedgerStore` with the server at `url`: redis://, rediss:// or unix://."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            # Once more on a new connection: every script may run twice.
            retry=Retry(NoBackoff(), 1),
            max_connections=4,
        )
        self._waiting: list[_Call] = []
        self._sending: asyncio.Task[None] | None = None
        self._digests: dict[str, str] = {}
        self._seen: dict[str, tuple[int, ...]] = {}

    async def reserve(self, reservation: Reservation) -> Standing:
        amount, bounds = reservation.amount, reservation.bounds
        verdict, standing = await self._run(
            RESERVE,
            reservation.key,
            reservation.id,
            amount.requests,
            amount.tokens,
            amount.nanodollars,
            reservation.expires_seconds,
            bounds.concurrent,
            *bounds.counters,
        )
        if verdict == _CONCURRENT_VERDICT:
            raise LimitReached(standing, None, None)
        if verdict:
            raise LimitReached(standing, *COUNTERS[verdict - 1])
        return standing

    async def settle(self, settlement: Settlement) -> Standing:
        used = settlement.used
        _, standing = await self._run(
            SETTLE,
            settlement.key,
            settlement.id,
            used.requests,
            used.tokens,
            used.nanodollars,
        )
        return standing

    async def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        await self._redis.aclose()

    async def _run(self, script: str, key: str, *arguments: object) -> tuple[int, Standing]:
        """The script's verdict, and the account after it.

        Raises:
            StoreUnavailable: it did not answer, or cannot run scripts now.
        """
        call = _Call(script, key, arguments, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        verdict, standing = _read(await call.done)
        self._seen[key] = (*standing.numbers, *standing.spent)
        return verdict, standing

    async def _send(self) -> None:
        """Sends what waits until nothing does."""
        while self._waiting:
            calls = self._waiting[:_MAX_CALLS_PER_PIPELINE]
            del self._waiting[: len(calls)]
            try:
                answers = await self._ask(calls)
            except asyncio.CancelledError:
                for call in [*calls, *self._waiting]:
                    call.done.cancel()
                raise
            except (RedisError, OSError) as error:
                answers = [error] * len(calls)
            for call, answer in zip(calls, answers, strict=True):
                if call.done.done():
                    continue
                if isinstance(answer, Exception):
                    call.done.set_exception(_unavailable(answer))
                else:
                    call.done.set_result(answer)

    async def _ask(self, calls: Sequence[_Call]) -> list[Any]:
        """The answers in order, each a list or an exception.

        Raises:
            RedisError: none of them was answered.
        """
        answers = await self._evaluate(calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # A server that has just started knows no scripts; what has run may run again.
            self._digests.clear()
            answers = await self._evaluate(calls)
        return answers

    async def _evaluate(self, calls: Sequence[_Call]) -> list[Any]:
        for script in {call.script for call in calls} - self._digests.keys():
            self._digests[script] = await self._redis.script_load(script)
        pipeline = self._redis.pipeline(transaction=False)
        for call in calls:
            names = [f"kaito:key:{{{call.key}}}:{name}" for name in KEY_NAMES]
            seen = self._seen.get(call.key, _NOTHING_SEEN)
            pipeline.execute_command(
                "EVALSHA", self._digests[call.script], len(names), *names, *call.arguments, *seen
            )
        return list(await pipeline.execute(raise_on_error=False))


def _read(answer: Sequence[int]) -> tuple[int, Standing]:
    counted = 3 + len(WINDOWS)
    reserved = counted + len(COUNTERS)
    return answer[0], Standing(
        now_seconds=answer[1] / 1000,
        in_flight=answer[2],
        numbers=tuple(answer[3:counted]),
        spent=tuple(answer[counted:reserved]),
        reserved=tuple(answer[reserved:]),
    )


def _unavailable(error: Exception) -> StoreUnavailable:
    # Neither the address nor the password of the store is part of what a server answers; those of
    # a client's own errors name the address.
    shown = str(error) if isinstance(error, ResponseError) else type(error).__name__
    return StoreUnavailable(f"the key store does not answer: {shown}")
