"""Brings settlements to the store, off the path of requests, and again until the store has them."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from inference_gateway.keys.ledger.store import LedgerStore, Settlement, StoreUnavailable
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)
_BATCH = 128
_PAUSE_SECONDS = 1.0
# 100 requests a second while the store is away for a quarter of an hour; some 30 MB.
_MAX_WAITING = 100_000


@dataclass(slots=True)
class Settler:
    """`run` it in a task. What is added is settled in the order that it comes in."""

    store: LedgerStore
    lost: int = 0
    _waiting: list[Settlement] = field(default_factory=list)
    _added: asyncio.Event = field(default_factory=asyncio.Event)
    _in_store: int = 0
    _determining: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        """How many settlements the store does not have yet."""
        return len(self._waiting) + self._in_store + len(self._determining)

    def add(self, settlement: Settlement) -> None:
        """Takes a settlement over. The oldest is lost where far too many wait."""
        if len(self._waiting) >= _MAX_WAITING:
            lost = self._waiting.pop(0)
            self.lost += 1
            logger.error("settlement lost", extra={"key": lost.key, "tokens": lost.used.tokens})
        self._waiting.append(settlement)
        self._added.set()

    def determine(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs what has yet to find out what a request has used, and then adds it."""
        task = asyncio.create_task(work)
        self._determining.add(task)
        task.add_done_callback(self._determining.discard)

    async def run(self) -> None:
        """Settles what is added, forever."""
        await retry_until_done(self._run, Exception, "settle what keys have used", logger)

    async def drain(self, timeout_seconds: float) -> None:
        """Returns when all is settled, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._determining:
                    await asyncio.wait(self._determining)
                while self.waiting:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            logger.error("settlements lost: the key store is away", extra={"count": self.waiting})

    async def _run(self) -> None:
        while True:
            await self._added.wait()
            self._added.clear()
            while self._waiting:
                await self._settle_some()

    async def _settle_some(self) -> None:
        batch = self._waiting[:_BATCH]
        del self._waiting[: len(batch)]
        self._in_store = len(batch)
        try:
            results = await asyncio.gather(*map(self._settle, batch))
        except BaseException:
            self._waiting[:0] = batch
            raise
        finally:
            self._in_store = 0
        failed = [each for each, done in zip(batch, results, strict=True) if not done]
        if failed:
            self._waiting[:0] = failed
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _settle(self, settlement: Settlement) -> bool:
        try:
            await self.store.settle(settlement)
        except StoreUnavailable:
            return False
        return True
