"""Reconciles the machines with the state: observe, plan, execute, wait.

There is one task per node at a time. A task records its result in the state, from which the next
pass plans again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.lifecycle import (
    desired_machines,
    drain_failed,
    machine_failed,
    needs_drain,
    next_due,
    plan,
)
from tools.aks_emulator.core.model import MachinePhase
from tools.aks_emulator.machines.nodes import node
from tools.aks_emulator.machines.provider import MachineError, MachineProvider

logger = logging.getLogger(__name__)

# How long a node's task waits after a failure before the next pass plans it again.
RETRY_SECONDS = 5.0


class Reconciler:
    def __init__(self, azure: Azure, machines: MachineProvider) -> None:
        self._azure = azure
        self._machines = machines
        self._ensured: frozenset[str] = frozenset()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run until canceled; running tasks are canceled as well."""
        try:
            while True:
                self._azure.changed.clear()
                self._reconcile()
                await self._wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _reconcile(self) -> None:
        azure = self._azure
        actions = plan(azure.state, azure.clock(), azure.settings.ids, self._ensured)
        for work, names in (
            (self._start, actions.start), (self._power_off, actions.power_off),
            (self._remove, actions.remove),
        ):  # fmt: skip
            for name in names:
                if name not in self._tasks:
                    self._tasks[name] = asyncio.create_task(self._run_one(name, work))

    async def _wait(self) -> None:
        now = self._azure.clock()
        due = next_due(self._azure.state, now)
        try:
            async with asyncio.timeout(due - now if due is not None else None):
                await self._azure.changed.wait()
        except TimeoutError:
            return

    async def _run_one(self, name: str, work: Callable[[str], Awaitable[None]]) -> None:
        try:
            await work(name)
        except MachineError as error:
            logger.warning("machine %s: %s", name, error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            logger.exception("machine %s", name)
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            del self._tasks[name]
            self._azure.changed.set()

    async def _start(self, name: str) -> None:
        azure = self._azure
        machine = desired_machines(azure.state, azure.clock(), azure.settings.ids).get(name)
        pool = azure.state.pools.get(machine.pool) if machine is not None else None
        if machine is None or pool is None:
            return
        # Recorded before it is started: after a crash, the machine may exist and has to be removed.
        if name not in azure.state.machines:
            azure.commit(azure.state.with_machine(name, machine))
        try:
            await self._machines.ensure(
                node(pool, machine.index, azure.settings.ids, azure.settings.catalog)
            )
        except MachineError as error:
            logger.warning("machine %s did not start: %s", name, error)
            azure.commit(machine_failed(azure.state, name, str(error), azure.clock()))
            return
        running = replace(machine, phase=MachinePhase.RUNNING)
        azure.commit(azure.state.with_machine(name, running))
        self._ensured |= {name}

    async def _power_off(self, name: str) -> None:
        await self._machines.power_off(name)
        self._record_removed(name)

    async def _remove(self, name: str) -> None:
        azure = self._azure
        if needs_drain(azure.state, name) and (held := await self._machines.drain(name)):
            logger.info("machine %s is not drained: %s", name, ", ".join(held))
            azure.commit(drain_failed(azure.state, name, held, azure.clock()))
            return
        await self._machines.remove(name)
        self._record_removed(name)

    def _record_removed(self, name: str) -> None:
        self._ensured -= {name}
        self._azure.commit(self._azure.state.without_machine(name))
