"""Runs the AKS emulator as a process, and controls it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.process import child
from benchmarks.sessions import session

OPERATION_SECONDS = 5
# A storm throttles the next call every few seconds, and its class of calls has to wait.
STORM_INTERVAL_SECONDS, STORM_RETRY_AFTER_SECONDS = 5, 2


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator's admin API."""

    controls: aiohttp.ClientSession

    async def calls(self) -> dict[str, int]:
        """Return the calls to ARM since the last call of this method."""
        async with self.controls.get("/_emulator/calls") as answer:
            found: dict[str, int] = (await answer.json())["calls"]
        async with self.controls.delete("/_emulator/calls"):
            return {kind: count for kind, count in found.items() if kind != "token"}

    async def storm(self) -> None:
        """Throttle one call every few seconds, until canceled."""
        fault = {
            "id": "storm",
            "kind": "throttled",
            "count": 1,
            "seconds": STORM_RETRY_AFTER_SECONDS,
        }
        while True:
            await asyncio.sleep(STORM_INTERVAL_SECONDS)
            async with self.controls.post("/_emulator/faults", json=fault) as answer:
                assert answer.status == 201, await answer.text()

    async def is_up(self) -> bool:
        with suppress(aiohttp.ClientError):
            async with self.controls.get("/_emulator/health") as answer:
                return answer.status == 200
        return False


@asynccontextmanager
async def running_emulator(folder: Path, port: int, *, limited: bool) -> AsyncIterator[Emulator]:
    options = [
        "serve", "--no-machines", "--home", str(folder / "aks"), "--host", "127.0.0.1",
        "--port", str(port), "--prices-port", "0", "--max-pools", "5000",
        "--operation-seconds", str(OPERATION_SECONDS),
        *(["--enforce-limits"] if limited else []),
    ]  # fmt: skip
    authority = folder / "aks" / "ca.pem"
    with child(folder / "emulator.log", "tools.aks_emulator", *options):
        async with asyncio.timeout(30):
            while not authority.exists():
                await asyncio.sleep(0.1)
        tls = ssl.create_default_context(cafile=str(authority))
        async with session(f"https://127.0.0.1:{port}", tls) as controls:
            emulator = Emulator(controls)
            async with asyncio.timeout(30):
                while not await emulator.is_up():
                    await asyncio.sleep(0.1)
            yield emulator
