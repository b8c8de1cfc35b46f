"""Creates claims together, watches them until each is Ready or gone, and deletes them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

MACHINES = "/apis/karpenter.sh/v1alpha5/machines"
CONCURRENCY = 32


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one round."""

    api: aiohttp.ClientSession

    async def create(self, count: int) -> None:
        async def make(number: int) -> None:
            async with self.api.post(MACHINES, json=claim(number)) as answer:
                assert answer.status == 201, await answer.text()

        await _each(count, make)

    async def delete(self, count: int) -> None:
        async def remove(number: int) -> None:
            async with self.api.delete(f"{MACHINES}/{claim(number)['metadata']['name']}") as answer:
                assert answer.status == 200, await answer.text()

        await _each(count, remove)

    async def until(self, count: int, *, gone: bool) -> None:
        """Wait until that many claims are Ready, or gone. The watch reports it without delay."""
        done: set[str] = set()
        while True:
            async with self.api.get(MACHINES) as answer:
                listing = await answer.json()
            found = {_name(item): _is_ready(item) for item in listing["items"]}
            if gone:
                done |= {_name(claim(number)) for number in range(count)} - found.keys()
            else:
                done |= {name for name, is_ready in found.items() if is_ready}
            version = listing["metadata"]["resourceVersion"]
            async for type_, machine in self._changes(version):
                if type_ == "DELETED" if gone else _is_ready(machine):
                    done.add(_name(machine))
                if len(done) == count:
                    return

    async def _changes(self, version: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield type and object of each change until the API server ends the watch."""
        query = {"watch": "1", "resourceVersion": version}
        async with self.api.get(MACHINES, params=query, read_bufsize=2**22) as stream:
            async for line in stream.content:
                change = json.loads(line)
                yield change["type"], change["object"]


async def _each(count: int, step: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await step(number)

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


def claim(number: int) -> dict[str, Any]:
    name = f"ws{number:09}"
    return {
        "apiVersion": "karpenter.sh/v1alpha5",
        "kind": "Machine",
        "metadata": {
            "name": name,
            "labels": {"kaito.sh/workspace": name, "kaito.sh/workspacenamespace": "default"},
        },
        "spec": {
            "machineTemplateRef": {"name": name},
            "requirements": [
                {
                    "key": "node.kubernetes.io/instance-type",
                    "operator": "In",
                    "values": ["Standard_NC6s_v3"],
                }
            ],
            "resources": {"requests": {"storage": "128Gi"}},
            "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
        },
    }


def _name(machine: dict[str, Any]) -> str:
    return str(machine["metadata"]["name"])


def _is_ready(machine: dict[str, Any]) -> bool:
    conditions = (machine.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
