"""Puts the parts of keys together, and keeps them running while the gateway does."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.generation_handler import GenerationHandler
from inference_gateway.keys.accounting import Accounting
from inference_gateway.keys.door import Door
from inference_gateway.keys.key_metrics import KeyMetrics
from inference_gateway.keys.key_settings import KeySettings
from inference_gateway.keys.keyed_handler import KeyedHandler
from inference_gateway.keys.keys_folder import KeysFolder, follow
from inference_gateway.keys.ledger.allowance import Allowance
from inference_gateway.keys.ledger.ledger import KeyLedger
from inference_gateway.keys.ledger.memory_store import MemoryStore
from inference_gateway.keys.ledger.store import LedgerStore
from inference_gateway.keys.usage_record import UsageWriter
from inference_gateway.metrics import Metrics

logger = logging.getLogger(__name__)
# The request's own time limit ends it earlier: an open reservation is that of a gateway that died.
_EXPIRY_MARGIN_SECONDS = 60.0
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """All that keys need, for one gateway."""

    settings: KeySettings
    door: Door
    ledger: KeyLedger
    handler: KeyedHandler
    usage_file: int

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Knows all keys when it begins, and has settled all requests when it ends."""
        folder = KeysFolder(self.settings.folder)
        self.door.apply(await asyncio.to_thread(folder.read_if_changed))
        tasks = (
            asyncio.create_task(follow(folder, self.door.apply, self.settings.interval_seconds)),
            asyncio.create_task(self.ledger.settler.run()),
        )
        try:
            yield
        finally:
            await self.ledger.settler.drain(_DRAIN_SECONDS)
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self.ledger.store.close()
            os.close(self.usage_file)


def create_keys(
    settings: KeySettings,
    handler: GenerationHandler,
    pool: EndpointPool,
    metrics: Metrics,
) -> Keys:
    """Opens the file of usage records; connects to nothing yet.

    Raises:
        OSError: the file cannot be opened.
    """
    now = handler.now
    ledger = KeyLedger(
        store=_store(settings, now),
        when_away=settings.when_away,
        allowance=Allowance(settings.away_tokens),
        expires_seconds=handler.limits.request_timeout_seconds + _EXPIRY_MARGIN_SECONDS,
    )
    key_metrics = KeyMetrics(metrics.registry, lambda: float(ledger.settler.waiting))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    usage_file = os.open(settings.usage_file, flags, 0o640)
    accounting = Accounting(
        ledger=ledger,
        prices=settings.prices,
        usage=UsageWriter(
            write=lambda lines: os.write(usage_file, lines),
            call_soon=lambda flush: asyncio.get_running_loop().call_soon(flush),
        ),
        metrics=key_metrics,
        now=now,
    )
    door = Door(metrics=key_metrics, now=now)
    return Keys(
        settings=settings,
        door=door,
        ledger=ledger,
        handler=KeyedHandler(handler=handler, pool=pool, door=door, accounting=accounting),
        usage_file=usage_file,
    )


def _store(settings: KeySettings, now: Callable[[], float]) -> LedgerStore:
    if not settings.store_url:
        logger.warning(
            "the ledger of keys is in this process's memory: run one replica, whose budgets begin "
            "at zero with each start, or set KAITO_KEY_STORE_URL"
        )
        return MemoryStore(now)
    # Imported where it is used: its client takes memory that gateways without keys keep.
    from inference_gateway.keys.ledger.redis_store import RedisStore

    return RedisStore(settings.store_url)
