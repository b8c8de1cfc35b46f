"""The AKS emulator as a process, and its own controls."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.process import child
from benchmarks.sessions import session

OPERATION_S = 5
# A storm: every few seconds the next call is refused, and its class has to wait.
STORM_EVERY_S, STORM_RETRY_AFTER_S = 5, 2


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator's own controls."""

    controls: aiohttp.ClientSession

    async def calls(self) -> dict[str, int]:
        """Calls to ARM since the last time that this was asked."""
        async with self.controls.get("/_emulator/calls") as answer:
            found: dict[str, int] = (await answer.json())["calls"]
        async with self.controls.delete("/_emulator/calls"):
            return {kind: count for kind, count in found.items() if kind != "token"}

    async def storm(self) -> None:
        """Until cancelled: throttles one call after another."""
        fault = {"id": "storm", "kind": "throttled", "count": 1, "seconds": STORM_RETRY_AFTER_S}
        while True:
            await asyncio.sleep(STORM_EVERY_S)
            async with self.controls.post("/_emulator/faults", json=fault) as answer:
                assert answer.status == 201, await answer.text()

    async def is_up(self) -> bool:
        with suppress(aiohttp.ClientError):
            async with self.controls.get("/_emulator/health") as answer:
                return answer.status == 200
        return False


@asynccontextmanager
async def emulated(folder: Path, port: int, *, limited: bool) -> AsyncIterator[Emulator]:
    options = [
        "serve", "--no-machines", "--home", str(folder / "aks"), "--host", "127.0.0.1",
        "--port", str(port), "--operation-seconds", str(OPERATION_S), "--max-pools", "5000",
        *(["--enforce-limits"] if limited else []),
    ]  # fmt: skip
    authority = folder / "aks" / "ca.pem"
    with child(folder / "emulator.log", "tools.aks_emulator", *options):
        async with asyncio.timeout(30):
            while not authority.exists():
                await asyncio.sleep(0.1)
        tls = ssl.create_default_context(cafile=str(authority))
        async with session(f"https://127.0.0.1:{port}", tls) as controls:
            made = Emulator(controls)
            async with asyncio.timeout(30):
                while not await made.is_up():
                    await asyncio.sleep(0.1)
            yield made
