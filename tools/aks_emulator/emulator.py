"""The composition of a running emulator: state, server and machine reconciler."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tools.aks_emulator import certificates
from tools.aks_emulator.certificates import Certificates
from tools.aks_emulator.core import catalog
from tools.aks_emulator.core.azure import Azure, Clock
from tools.aks_emulator.core.cluster_settings import ClusterSettings
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.machines.provider import MachineProvider
from tools.aks_emulator.machines.reconciler import Reconciler
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web import server
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.entra import Entra
from tools.aks_emulator.web.keys import Keys
from tools.aks_emulator.web.tokens import PUBLIC_AUDIENCES, Issuer, read_key


@dataclass(frozen=True, slots=True)
class Emulator:
    settings: Settings
    azure: Azure
    certificates: Certificates


@contextlib.asynccontextmanager
async def running(
    settings: Settings, machines: MachineProvider, keys: Keys, clock: Clock = time.time
) -> AsyncIterator[Emulator]:
    """Serve requests and reconcile machines until the context ends; the state stays on disk.

    Raises:
        OSError: the server cannot listen on its address.
        MachineError: the local cluster cannot be reached.
    """
    files = certificates.ensure(settings.home, settings.hosts)
    journal = Journal(settings.home / "state.jsonl")
    azure = Azure(cluster_settings(settings), journal, clock, await machines.cluster_uid())
    context = Context(
        azure=azure,
        issuer=_issuer(settings),
        retry_after=settings.retry_after,
        page_size=settings.page_size,
        enforcement=settings.enforcement,
    )
    app = server.application(context, Entra(context=context, keys=keys, subjects=settings.subjects))
    async with contextlib.AsyncExitStack() as stack:
        runner = await server.listen(app, settings.host, settings.port, files.server_context())
        stack.push_async_callback(runner.cleanup)
        if settings.prices_port:
            prices = server.price_application(context)
            runner = await server.listen(prices, settings.host, settings.prices_port, None)
            stack.push_async_callback(runner.cleanup)
        reconciler = asyncio.create_task(Reconciler(azure, machines).run())
        stack.push_async_callback(_cancelled, reconciler)
        yield Emulator(settings, azure, files)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def cluster_settings(settings: Settings) -> ClusterSettings:
    return ClusterSettings(
        ids=settings.ids,
        catalog=catalog.sizes(),
        kubernetes_version=settings.kubernetes_version,
        max_pools=settings.max_pools,
        operation_seconds=settings.operation_seconds,
    )


def _issuer(settings: Settings) -> Issuer:
    own = tuple(f"https://{host}:{settings.port}" for host in settings.hosts)
    return Issuer(
        key=read_key(settings.home / "token.key"),
        tenant=settings.ids.tenant,
        audiences=(*own, *PUBLIC_AUDIENCES),
    )
