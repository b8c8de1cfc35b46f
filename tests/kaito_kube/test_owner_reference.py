"""The owner of what a controller creates for its release."""

import logging

import pytest

from kaito_kube import kinds
from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.fake import FakeCluster
from kaito_kube.leader_election import LeaseConfig, manifest
from kaito_kube.owner_reference import owner_references

ACCOUNT = {"metadata": {"name": "kaito", "namespace": "kaito-system", "uid": "account-1"}}
REFERENCE = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "kaito", "uid": "account-1"}


async def read(cluster: FakeCluster) -> tuple[kinds.Manifest, ...]:
    return await owner_references(cluster, kinds.SERVICE_ACCOUNT, "kaito", "kaito-system")


async def test_owner_is_referred_to_by_its_uid() -> None:
    cluster = FakeCluster()
    cluster.seed(kinds.SERVICE_ACCOUNT, ACCOUNT)
    assert await read(cluster) == (REFERENCE,)


async def test_owner_that_does_not_exist_is_not_referred_to() -> None:
    assert await read(FakeCluster()) == ()


async def test_owner_that_cannot_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    cluster = FakeCluster()
    cluster.fail_next("get", Forbidden("no right"))
    assert await read(cluster) == ()
    assert "helm uninstall will leave objects behind" in caplog.text


@pytest.mark.looptime
async def test_owner_is_read_once_the_api_server_answers() -> None:
    cluster = FakeCluster()
    cluster.seed(kinds.SERVICE_ACCOUNT, ACCOUNT)
    for _ in range(20):
        cluster.fail_next("get", Unavailable("no response"))
    assert await read(cluster) == (REFERENCE,)


async def test_lease_goes_with_its_owner() -> None:
    """The fake deletes dependents as Kubernetes' garbage collector does."""
    cluster = FakeCluster()
    cluster.seed(kinds.SERVICE_ACCOUNT, ACCOUNT)
    config = LeaseConfig(
        name="kaito", namespace="kaito-system", identity="a", owners=await read(cluster)
    )
    before = await cluster.create(
        kinds.LEASE, {"metadata": {"name": "kaito", "namespace": "kaito-system"}}
    )
    renewed = manifest(config, cluster.clock.now(), before)
    await cluster.patch(kinds.LEASE, "kaito", renewed, namespace="kaito-system")
    await cluster.delete(kinds.SERVICE_ACCOUNT, "kaito", "kaito-system")
    assert cluster.objects(kinds.LEASE) == []
