"""One running emulator: puts the parts together, and takes them apart again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tools.aks_emulator import certificates
from tools.aks_emulator.certificates import Certificates
from tools.aks_emulator.core import catalog
from tools.aks_emulator.core.azure import Azure, Clock
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.pool_requests import Terms
from tools.aks_emulator.machines.machinery import Machinery
from tools.aks_emulator.machines.seam import Machines
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web import server
from tools.aks_emulator.web.desk import Desk
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
    settings: Settings, machines: Machines, keys: Keys, clock: Clock = time.time
) -> AsyncIterator[Emulator]:
    """Listens and looks after the machines until the context ends; the state stays on disk."""
    files = certificates.ensure(settings.home, settings.hosts)
    journal = Journal(settings.home / "state.jsonl")
    azure = Azure(terms(settings), journal, clock, await machines.cluster_uid())
    desk = Desk(
        azure=azure,
        issuer=_issuer(settings),
        retry_after=settings.retry_after,
        page_size=settings.page_size,
        enforcement=settings.enforcement,
    )
    app = server.application(desk, Entra(desk=desk, keys=keys, subjects=settings.subjects))
    runner = await server.listen(app, settings.host, settings.port, files.server_context())
    machinery = asyncio.create_task(Machinery(azure, machines).run())
    try:
        yield Emulator(settings, azure, files)
    finally:
        await runner.cleanup()
        machinery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await machinery


def terms(settings: Settings) -> Terms:
    return Terms(
        place=settings.place,
        catalog=catalog.sizes(),
        kubernetes_version=settings.kubernetes_version,
        max_pools=settings.max_pools,
        operation_seconds=settings.operation_seconds,
    )


def _issuer(settings: Settings) -> Issuer:
    own = tuple(f"https://{host}:{settings.port}" for host in settings.hosts)
    return Issuer(
        key=read_key(settings.home / "token.key"),
        tenant=settings.place.tenant,
        audiences=(*own, *PUBLIC_AUDIENCES),
    )
