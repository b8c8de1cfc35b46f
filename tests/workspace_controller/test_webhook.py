"""The webhook over HTTPS: every replica answers, with the Secret's certificate, and fails open."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from cryptography import x509
from prometheus_client import CollectorRegistry

from kaito_kube import errors, kinds
from kaito_kube.clock import FakeClock
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.kinds import Manifest
from tests.waiting import HANG_SECONDS
from tests.workspace_controller.given import RELEASE, settings
from tests.workspace_controller.test_admission import REVIEW, UNKNOWN
from workspace_controller.metrics import Metrics
from workspace_controller.plan.problem import Problem
from workspace_controller.webhook import server as module
from workspace_controller.webhook.server import Check, Webhook


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def accept(_: Manifest) -> Sequence[Problem]:
    return ()


async def reject(_: Manifest) -> Sequence[Problem]:
    return (UNKNOWN,)


async def fail_to_check(_: Manifest) -> Sequence[Problem]:
    raise errors.Unavailable("no answer")


async def break_down(_: Manifest) -> Sequence[Problem]:
    raise RuntimeError("a bug")


def webhook(cluster: FakeCluster, check: Check = accept, clock: FakeClock | None = None) -> Webhook:
    given = settings(webhook_service="kaito-wc", webhook_port=free_port())
    return Webhook(cluster, clock or FakeClock(), given, check, Metrics(CollectorRegistry()))


@asynccontextmanager
async def served(made: Webhook) -> AsyncIterator[None]:
    task = asyncio.create_task(made.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ask(made: Webhook, body: object) -> tuple[int, object]:
    ca = (await made.ensure_certificates()).ca.decode()
    context = ssl.create_default_context(cadata=ca)
    url = f"https://127.0.0.1:{made.settings.webhook_port}/validate"
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            try:
                async with session.post(
                    url, json=body, ssl=context, server_hostname=f"kaito-wc.{RELEASE}.svc"
                ) as answer:
                    text = await answer.text()
                    return answer.status, json.loads(text) if answer.status == 200 else text
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)
    raise AssertionError("nothing listens")


async def test_it_answers_over_https_with_the_secrets_certificate() -> None:
    made = webhook(FakeCluster(), reject)
    async with served(made):
        status, review = await ask(made, REVIEW)
    assert status == 200
    assert isinstance(review, dict)
    assert "is no preset" in review["response"]["status"]["message"]


async def test_a_workspace_that_cannot_be_checked_is_admitted() -> None:
    made = webhook(FakeCluster(), fail_to_check)
    async with served(made):
        _, review = await ask(made, REVIEW)
    assert isinstance(review, dict) and review["response"]["allowed"] is True


async def test_a_body_that_is_no_review_is_a_bad_request() -> None:
    made = webhook(FakeCluster())
    async with served(made):
        assert (await ask(made, {"odd": 1}))[0] == 400
        assert (await ask(made, ["odd"]))[0] == 400


async def test_replicas_share_one_certificate() -> None:
    cluster = FakeCluster()
    found = await asyncio.gather(*(webhook(cluster).ensure_certificates() for _ in range(3)))
    assert len(set(found)) == 1
    assert len(cluster.objects(kinds.SECRET)) == 1


async def test_an_unreadable_secret_is_issued_again() -> None:
    cluster = FakeCluster()
    name = {"name": "kaito-wc-webhook-cert", "namespace": RELEASE}
    cluster.seed(kinds.SECRET, {"metadata": name, "data": {"tls.crt": "eA=="}})
    made = await webhook(cluster).ensure_certificates()
    assert made == await webhook(cluster).ensure_certificates()
    assert b"BEGIN CERTIFICATE" in made.serving


async def test_the_certificate_is_renewed_under_the_same_authority() -> None:
    cluster, clock = FakeCluster(), FakeClock()
    made = webhook(cluster)
    before = await made.ensure_certificates()
    clock.advance(300 * 86400)
    later = Webhook(cluster, clock, made.settings, accept, made.metrics)
    after = await later.ensure_certificates()
    assert after.ca == before.ca and after.serving != before.serving


async def registered(made: Webhook, cluster: FakeCluster) -> Manifest:
    """The configuration, as soon as it is registered."""
    task = asyncio.create_task(made.keep_registered())
    while not cluster.objects(kinds.VALIDATING_WEBHOOK):
        await asyncio.sleep(0)
    task.cancel()
    (configuration,) = cluster.objects(kinds.VALIDATING_WEBHOOK)
    return configuration


async def test_the_leader_registers_the_webhook() -> None:
    cluster = FakeCluster()
    configuration = await registered(webhook(cluster), cluster)
    assert configuration["metadata"]["name"] == "kaito-wc"


async def test_without_a_service_there_is_no_webhook() -> None:
    cluster = FakeCluster()
    made = Webhook(cluster, FakeClock(), settings(), accept, Metrics(CollectorRegistry()))
    await made.keep_registered()
    async with served(made):
        await asyncio.sleep(0)
    assert cluster.calls == []


async def test_a_bug_in_the_check_is_no_denial() -> None:
    """With failurePolicy Ignore, the API server admits what it gets any other status for."""
    made = webhook(FakeCluster(), break_down)
    async with served(made):
        status, _ = await ask(made, REVIEW)
    assert status == 500


async def serial_number(made: Webhook, ca: bytes) -> int:
    """Of the certificate that a new connection is served with, which `ca` must have signed."""
    context = ssl.create_default_context(cadata=ca.decode())
    _, writer = await asyncio.open_connection(
        "127.0.0.1",
        made.settings.webhook_port,
        ssl=context,
        server_hostname=f"kaito-wc.{RELEASE}.svc",
    )
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(certificate).serial_number


async def test_two_replicas_answer_and_both_serve_the_renewed_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CHECK_INTERVAL_SECONDS", 0.05)
    cluster, clock = FakeCluster(), FakeClock(moment=datetime.now(UTC) - timedelta(days=280))
    one, two = (webhook(cluster, reject, clock) for _ in range(2))
    async with served(one), served(two):
        for replica in (one, two):
            status, review = await ask(replica, REVIEW)
            assert status == 200
            assert isinstance(review, dict) and review["response"]["allowed"] is False
        ca = (await one.ensure_certificates()).ca
        before = await serial_number(one, ca)
        assert await serial_number(two, ca) == before
        clock.advance(280 * 86400)
        async with asyncio.timeout(HANG_SECONDS):
            while before in (await serial_number(one, ca), await serial_number(two, ca)):
                await asyncio.sleep(0.05)
        assert await serial_number(one, ca) == await serial_number(two, ca)
        assert (await ask(one, REVIEW))[0] == (await ask(two, REVIEW))[0] == 200
    assert len(cluster.objects(kinds.SECRET)) == 1


OWNER = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "kaito-wc", "uid": "account-1"}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "name": settings().lease_name, "uid": "role-1"}  # fmt: skip


def owned(cluster: FakeCluster) -> Webhook:
    made = webhook(cluster)
    role = {"name": made.settings.lease_name, "uid": ROLE["uid"]}
    cluster.seed(kinds.CLUSTER_ROLE, {"metadata": role})
    return replace(made, settings=replace(made.settings, namespaced_owners=(OWNER,)))


async def test_secret_and_configuration_go_with_the_release() -> None:
    cluster = FakeCluster()
    made = owned(cluster)
    configuration = await registered(made, cluster)
    (secret,) = cluster.objects(kinds.SECRET)
    assert secret["metadata"]["ownerReferences"] == [OWNER]
    assert configuration["metadata"]["ownerReferences"] == [ROLE]


@pytest.mark.looptime
async def test_configuration_goes_with_the_release_also_where_the_rights_come_late() -> None:
    has_rights = False

    def refuse(call: Call) -> None:
        if not has_rights and call.kind in (kinds.CLUSTER_ROLE, kinds.VALIDATING_WEBHOOK):
            raise errors.Forbidden("cannot get resource")

    cluster = FakeCluster(hook=refuse)
    task = asyncio.create_task(owned(cluster).keep_registered())
    await asyncio.sleep(300)
    assert cluster.objects(kinds.VALIDATING_WEBHOOK) == []
    has_rights = True
    await asyncio.sleep(60)
    (configuration,) = cluster.objects(kinds.VALIDATING_WEBHOOK)
    assert configuration["metadata"]["ownerReferences"] == [ROLE]
    task.cancel()


async def test_secret_of_an_earlier_release_gets_its_owner_and_keeps_its_certificates() -> None:
    cluster = FakeCluster()
    before = await webhook(cluster).ensure_certificates()
    assert await owned(cluster).ensure_certificates() == before
    (secret,) = cluster.objects(kinds.SECRET)
    assert secret["metadata"]["ownerReferences"] == [OWNER]
    cluster.calls.clear()
    assert await owned(cluster).ensure_certificates() == before
    assert [call.verb for call in cluster.calls] == ["get"]
