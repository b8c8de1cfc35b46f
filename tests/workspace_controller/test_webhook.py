"""The webhook over HTTPS: certificate in a Secret, answers, and more than one replica."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client import CollectorRegistry

from kaito_kube import errors, kinds
from kaito_kube.clock import FakeClock
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import RELEASE, settings
from tests.workspace_controller.test_admission import REVIEW, UNKNOWN
from workspace_controller.metrics import Metrics
from workspace_controller.plan.validation import Problem
from workspace_controller.webhook import Webhook


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def finds_nothing(_: Manifest) -> Sequence[Problem]:
    return ()


async def finds(_: Manifest) -> Sequence[Problem]:
    return (UNKNOWN,)


async def cannot_tell(_: Manifest) -> Sequence[Problem]:
    raise errors.Unavailable("no answer")


def webhook(cluster: FakeCluster, check: object = finds_nothing) -> Webhook:
    given = settings(webhook_service="kaito-wc", webhook_port=free_port())
    return Webhook(cluster, FakeClock(), given, check, Metrics(CollectorRegistry()))  # type: ignore[arg-type]


@asynccontextmanager
async def served(made: Webhook) -> AsyncIterator[None]:
    task = asyncio.create_task(made.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ask(made: Webhook, body: object) -> tuple[int, object]:
    ca = (await made.certificates()).ca.decode()
    context = ssl.create_default_context(cadata=ca)
    url = f"https://127.0.0.1:{made.settings.webhook_port}/validate"
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            try:
                async with session.post(
                    url, json=body, ssl=context, server_hostname=f"kaito-wc.{RELEASE}.svc"
                ) as answer:
                    text = await answer.text()
                    return answer.status, (await answer.json()) if answer.status == 200 else text
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)
    raise AssertionError("nobody serves")


async def test_it_answers_over_a_certificate_of_its_own() -> None:
    made = webhook(FakeCluster(), finds)
    async with served(made):
        status, review = await ask(made, REVIEW)
    assert status == 200
    assert isinstance(review, dict)
    assert "is no preset" in review["response"]["status"]["message"]


async def test_what_cannot_be_told_is_allowed() -> None:
    made = webhook(FakeCluster(), cannot_tell)
    async with served(made):
        _, review = await ask(made, REVIEW)
    assert isinstance(review, dict) and review["response"]["allowed"] is True


async def test_what_is_no_review_is_refused() -> None:
    made = webhook(FakeCluster())
    async with served(made):
        assert (await ask(made, {"odd": 1}))[0] == 400
        assert (await ask(made, ["odd"]))[0] == 400


async def test_replicas_share_one_certificate() -> None:
    cluster = FakeCluster()
    found = await asyncio.gather(*(webhook(cluster).certificates() for _ in range(3)))
    assert len(set(found)) == 1
    assert len(cluster.objects(kinds.SECRET)) == 1


async def test_a_secret_that_was_spoiled_is_made_anew() -> None:
    cluster = FakeCluster()
    name = {"name": "kaito-wc-webhook-cert", "namespace": RELEASE}
    cluster.seed(kinds.SECRET, {"metadata": name, "data": {"tls.crt": "eA=="}})
    made = await webhook(cluster).certificates()
    assert made == await webhook(cluster).certificates()
    assert b"BEGIN CERTIFICATE" in made.serving


async def test_the_certificate_is_renewed_under_the_same_authority() -> None:
    cluster, clock = FakeCluster(), FakeClock()
    made = webhook(cluster)
    before = await made.certificates()
    clock.advance(300 * 86400)
    later = Webhook(cluster, clock, made.settings, finds_nothing, made.metrics)
    after = await later.certificates()
    assert after.ca == before.ca and after.serving != before.serving


async def test_the_leader_has_the_api_server_call_them() -> None:
    cluster = FakeCluster()
    made = webhook(cluster)
    task = asyncio.create_task(made.announce())
    while not cluster.objects(kinds.VALIDATING_WEBHOOK):
        await asyncio.sleep(0)
    task.cancel()
    (configuration,) = cluster.objects(kinds.VALIDATING_WEBHOOK)
    assert configuration["metadata"]["name"] == "kaito-wc"


async def test_without_a_service_there_is_no_webhook() -> None:
    cluster = FakeCluster()
    made = Webhook(cluster, FakeClock(), settings(), finds_nothing, Metrics(CollectorRegistry()))
    await made.announce()
    async with served(made):
        await asyncio.sleep(0)
    assert cluster.calls == []
