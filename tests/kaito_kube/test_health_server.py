"""The probes of the controllers: a process with a deaf feed is restarted, and is not ready."""

import random

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.controllers.manager import SOURCES, Manager
from kaito_kube.clock import FakeClock, SteadyClock
from kaito_kube.fake import FakeCluster
from kaito_kube.feeds import Feeds
from kaito_kube.health_server import Application
from tests.simulation.provisioner import SETTINGS
from tests.workspace_controller.given import settings
from workspace_controller.__main__ import build
from workspace_controller.controller import WATCH_SOURCES


def gpu_provisioner() -> tuple[Application, Feeds]:
    clock = FakeClock()
    manager = Manager(FakeCluster(), FakeCloud(clock), clock, SETTINGS, CollectorRegistry())
    for source in SOURCES:
        manager.store.replace_all(source.kind, ())
    return manager.health_app(), manager.feeds


def workspace_controller() -> tuple[Application, Feeds]:
    process = build(settings(), FakeCluster(), SteadyClock(), random.Random())
    for source in WATCH_SOURCES:
        process.store.replace_all(source.kind, ())
    return process.health_app(), process.feeds


@pytest.mark.parametrize("service", [gpu_provisioner, workspace_controller])
async def test_deaf_feed_fails_health_and_readiness_and_is_a_metric(service: object) -> None:
    assert callable(service)
    app, feeds = service()
    feed = feeds.open("nodes")
    async with TestClient(TestServer(app)) as client:
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).status == 200
        feed._heard -= 1000
        for path in ("/healthz", "/readyz"):
            answer = await client.get(path)
            assert answer.status == 503
            text = await answer.text()
            assert text.startswith("nodes: neither an event nor a fresh watch for 1000 s")
        metrics = await (await client.get("/metrics")).text()
        assert 'kaito_feed_silent_seconds{feed="nodes"} 1000.' in metrics
        feed.heard()
        assert (await client.get("/healthz")).status == 200
