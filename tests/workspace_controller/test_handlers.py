"""kopf's handlers against an API server: every event reaches the work queue, nothing is written."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import kopf
import pytest

from kaito_kube import kinds
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Key
from kaito_kube.store import Store
from kaito_kube.work_queue import WorkQueue
from tests.workspace_controller.api_server import ApiServer, serving
from tests.workspace_controller.given import inference_workspace
from workspace_controller.controller import Controller
from workspace_controller.handlers import watch_workspaces
from workspace_controller.triggers import Triggers

WS = Key("team", "ws")
WORKSPACE = inference_workspace(metadata={"uid": "one", "generation": 1})


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    async with serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        yield server


@dataclass
class Replica:
    """A controller whose passes only record the key, and kopf, which feeds it."""

    reconciled: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = Store()
        self.queue = WorkQueue("workspace", self._reconcile)
        Triggers(store, self.queue.enqueue)
        self.controller = Controller(FakeCluster(), store, self.queue)

    async def _reconcile(self, key: Key) -> None:
        self.reconciled.append(key)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        self.queue.start()
        task = asyncio.create_task(watch_workspaces(self.controller.update_workspace))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.queue.stop()


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_listed_workspace_reaches_the_work_queue(server: ApiServer) -> None:
    await server.send("ADDED", WORKSPACE)
    replica = Replica()
    async with replica.running():
        await eventually(lambda: replica.reconciled == [WS])


async def test_every_event_of_a_workspace_reaches_the_work_queue(server: ApiServer) -> None:
    replica = Replica()
    async with replica.running():
        await server.watched()
        await server.send("ADDED", WORKSPACE)
        await eventually(lambda: replica.reconciled == [WS])
        changed = inference_workspace(metadata={"uid": "one", "generation": 2})
        await server.send("MODIFIED", changed)
        await eventually(lambda: replica.reconciled == [WS] * 2)
        store = replica.controller.store
        assert store.get(kinds.WORKSPACE, WS)
        await server.send("DELETED", changed)
        await eventually(lambda: replica.reconciled == [WS] * 3)
        assert store.get(kinds.WORKSPACE, WS) is None


async def test_every_replica_watches(server: ApiServer) -> None:
    one, two = Replica(), Replica()
    async with one.running(), two.running():
        await eventually(lambda: len(server.watches) == 2)
        await server.send("ADDED", WORKSPACE)
        await eventually(lambda: one.reconciled == two.reconciled == [WS])


async def test_kopf_writes_nothing_and_watches_only_workspaces(server: ApiServer) -> None:
    await server.send("ADDED", WORKSPACE)
    replica = Replica()
    async with replica.running():
        await server.watched()
        await eventually(lambda: replica.reconciled)
    assert {method for method, _ in server.requests} == {"GET"}
    discovery = {"/api", "/api/v1", "/apis", "/apis/kaito.sh/v1beta1"}
    workspaces = "/apis/kaito.sh/v1beta1/workspaces"
    assert {path for _, path in server.requests} - discovery == {workspaces}


async def test_kopf_leaves_signals_and_other_tasks_of_the_process_alone(server: ApiServer) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    replica = Replica()
    async with replica.running() as watching:
        await server.watched()
        later = asyncio.create_task(asyncio.Event().wait())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 10)
        assert not watching.done()
    loop.remove_signal_handler(signal.SIGTERM)
    assert not later.done()
    later.cancel()


async def test_kopf_ends_with_the_process(server: ApiServer) -> None:
    replica = Replica()
    async with replica.running():
        await server.watched()
    await eventually(lambda: not server.watches)


@pytest.mark.parametrize("error", [None, kopf.LoginError("no credentials")], ids=["none", "login"])
async def test_the_end_of_kopf_is_an_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    async def ends(**_: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(kopf, "operator", ends)
    with pytest.raises(type(error) if error else RuntimeError):
        await watch_workspaces(lambda *_: None)
