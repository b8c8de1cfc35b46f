"""kopf's handlers against an API server: every event reaches the work queue, nothing is written."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import kopf
import pytest

from kaito_kube import kinds
from kaito_kube.clock import SteadyClock
from kaito_kube.fake import FakeCluster
from kaito_kube.feeds import Feed
from kaito_kube.kinds import Key
from kaito_kube.store import Store
from kaito_kube.work_queue import WorkQueue
from kaito_process.backoff import Backoff
from tests.waiting import HANG_SECONDS, until
from tests.workspace_controller.api_server import ApiServer, serving
from tests.workspace_controller.given import inference_workspace, settings
from workspace_controller.__main__ import build
from workspace_controller.controller import Controller
from workspace_controller.handlers import watch_workspaces
from workspace_controller.triggers import Triggers

WS = Key("team", "ws")
# kopf's own retries end after the ninth.
MANY = 25
WORKSPACE = inference_workspace(metadata={"uid": "one", "generation": 1})


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    async with serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        yield server


def soon() -> Backoff:
    return Backoff(first_seconds=0.01, max_seconds=0.02)


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
        watching = watch_workspaces(self.controller.update_workspace, Feed("workspaces"), soon)
        task = asyncio.create_task(watching)
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.queue.stop()


async def test_a_listed_workspace_reaches_the_work_queue(server: ApiServer) -> None:
    await server.send("ADDED", WORKSPACE)
    replica = Replica()
    async with replica.running():
        await until(lambda: replica.reconciled == [WS])


async def test_every_event_of_a_workspace_reaches_the_work_queue(server: ApiServer) -> None:
    replica = Replica()
    async with replica.running():
        await server.watched()
        await server.send("ADDED", WORKSPACE)
        await until(lambda: replica.reconciled == [WS])
        changed = inference_workspace(metadata={"uid": "one", "generation": 2})
        await server.send("MODIFIED", changed)
        await until(lambda: replica.reconciled == [WS] * 2)
        store = replica.controller.store
        assert store.get(kinds.WORKSPACE, WS)
        await server.send("DELETED", changed)
        await until(lambda: replica.reconciled == [WS] * 3)
        assert store.get(kinds.WORKSPACE, WS) is None


async def test_every_replica_watches(server: ApiServer) -> None:
    one, two = Replica(), Replica()
    async with one.running(), two.running():
        await until(lambda: len(server.watches) == 2)
        await server.send("ADDED", WORKSPACE)
        await until(lambda: one.reconciled == two.reconciled == [WS])


async def test_kopf_writes_nothing_and_watches_only_workspaces(server: ApiServer) -> None:
    await server.send("ADDED", WORKSPACE)
    replica = Replica()
    async with replica.running():
        await server.watched()
        await until(lambda: replica.reconciled)
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
        await asyncio.wait_for(stop.wait(), HANG_SECONDS)
        assert not watching.done()
    loop.remove_signal_handler(signal.SIGTERM)
    assert not later.done()
    later.cancel()


async def test_kopf_ends_with_the_process(server: ApiServer) -> None:
    replica = Replica()
    async with replica.running():
        await server.watched()
    await until(lambda: not server.watches)


@pytest.mark.parametrize("error", [None, kopf.LoginError("no credentials")], ids=["none", "login"])
async def test_the_end_of_kopf_is_an_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    async def ends(**_: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(kopf, "operator", ends)
    with pytest.raises(type(error) if error else RuntimeError):
        await watch_workspaces(lambda *_: None, Feed("workspaces"))


OUTAGES = {"401": 401, "403": 403, "429": 429, "503": 503, "connections are closed": 0}


@pytest.mark.parametrize("status", OUTAGES.values(), ids=OUTAGES)
async def test_workspaces_are_heard_again_after_any_outage(
    server: ApiServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The watch is renewed during the outage, which outlasts kopf's own retries."""
    caplog.set_level("INFO", "kaito_kube.feeds")
    replica = Replica()
    async with replica.running() as watching:
        await server.watched()
        server.refuse(status)
        await until(lambda: server.refused >= MANY)
        server.recover()
        await server.watched()
        await server.send("ADDED", WORKSPACE)
        await until(lambda: replica.reconciled == [WS])
        assert not watching.done()
    outages = [record.message for record in caplog.records if record.name == "kaito_kube.feeds"]
    assert len(outages) == 2
    assert outages[0].startswith("cannot watch workspaces: ")
    assert outages[1].startswith("can watch workspaces again")


async def test_kopf_that_gives_up_is_heard_of(server: ApiServer) -> None:
    """Its event loop waits for the stop flag, which nobody else would set."""
    replica = Replica()
    async with replica.running() as watching:
        await server.watched()
        server.refuse(404)
        done, _ = await asyncio.wait([watching], timeout=HANG_SECONDS)
        assert done and watching.exception() is not None


async def test_kopf_runs_again_when_the_crd_is_back(server: ApiServer) -> None:
    cluster = FakeCluster()
    process = build(settings(), cluster, SteadyClock(), random.Random())
    task = asyncio.create_task(process.watch_workspaces())
    await server.watched()
    server.refuse(404)
    await until(lambda: server.refused)
    server.recover()
    await server.watched()
    await server.send("ADDED", WORKSPACE)
    await until(lambda: process.store.get(kinds.WORKSPACE, WS))
    assert process.feeds.problem() is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
