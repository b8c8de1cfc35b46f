"""Channels reach services of the cluster, whatever the environment says about proxies."""

import asyncio

import pytest
from grpc_health.v1 import health_pb2

from kaito_grpc.channels import open_blocking_channel, open_channel
from tests.kaito_grpc.serving import HealthStub, serving
from tests.waiting import HANG_SECONDS


@pytest.fixture(autouse=True)
def unusable_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        # Port 9, discard, which nothing listens on.
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "no_grpc_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


async def test_no_proxy_is_used() -> None:
    async with serving("asyncio") as address, open_channel(address) as channel:
        answer = await HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=HANG_SECONDS
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_no_proxy_is_used_without_asyncio() -> None:
    async with serving("asyncio") as address:
        with open_blocking_channel(address) as channel:
            answer = await asyncio.to_thread(
                HealthStub(channel).Check,
                health_pb2.HealthCheckRequest(),
                timeout=HANG_SECONDS,
            )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
