"""The probes of the controllers: a process with a deaf feed is restarted, and one whose feeds are
refused is not ready."""

import asyncio
import random
from collections.abc import Callable

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.controllers.manager import SOURCES, Manager
from kaito_kube.clock import FakeClock, SteadyClock
from kaito_kube.errors import Forbidden
from kaito_kube.fake import FakeCluster
from kaito_kube.feeds import Feeds
from kaito_kube.health_server import Application
from tests.simulation.provisioner import SETTINGS
from tests.workspace_controller.given import settings
from workspace_controller.__main__ import build
from workspace_controller.controller import WATCH_SOURCES

Service = Callable[..., tuple[Application, Feeds]]

FORBIDDEN = Forbidden('nodes is forbidden: User "kaito" cannot list resource "nodes"')


def gpu_provisioner(listed: bool = True) -> tuple[Application, Feeds]:
    clock = FakeClock()
    manager = Manager(FakeCluster(), FakeCloud(clock), clock, SETTINGS, CollectorRegistry())
    for source in SOURCES if listed else ():
        manager.store.replace_all(source.kind, ())
    return manager.health_app(), manager.feeds


def workspace_controller(listed: bool = True) -> tuple[Application, Feeds]:
    process = build(settings(), FakeCluster(), SteadyClock(), random.Random())
    for source in WATCH_SOURCES if listed else ():
        process.store.replace_all(source.kind, ())
    return process.health_app(), process.feeds


SERVICES = pytest.mark.parametrize("service", [gpu_provisioner, workspace_controller])


@SERVICES
async def test_deaf_feed_fails_health_and_readiness_and_is_a_metric(service: Service) -> None:
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


@pytest.mark.looptime
@SERVICES
async def test_feed_that_is_refused_for_a_minute_fails_readiness_alone(service: Service) -> None:
    app, feeds = service()
    feed = feeds.open("nodes")
    async with TestClient(TestServer(app)) as client:
        feed.failed(FORBIDDEN)
        await asyncio.sleep(59)
        assert (await client.get("/readyz")).status == 200
        await asyncio.sleep(61)
        feed.failed(FORBIDDEN)
        answer = await client.get("/readyz")
        assert answer.status == 503
        assert await answer.text() == f"nodes: cannot be watched for 120 s ({FORBIDDEN})"
        assert (await client.get("/healthz")).status == 200
        feed.works()
        assert (await client.get("/readyz")).status == 200


@SERVICES
async def test_kind_that_was_never_listed_is_named_with_the_cause(service: Service) -> None:
    app, feeds = service(listed=False)
    feeds.open("nodes").failed(FORBIDDEN)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/readyz")
        assert answer.status == 503
        text = await answer.text()
        assert text.startswith("not listed yet: ") and "machines, nodeclaims" in text
        assert f"nodes ({FORBIDDEN})" in text
        assert (await client.get("/healthz")).status == 200
