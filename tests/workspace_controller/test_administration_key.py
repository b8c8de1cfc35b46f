"""One key for all replicas, created once; tokens follow from it and from the Workspace."""

import hashlib
from typing import Any

import pytest

from kaito_kube import errors, kinds
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Kind, Manifest
from tests.workspace_controller.given import OWNER, RELEASE, settings
from workspace_controller.manifests.administration import token, token_sha256
from workspace_controller.manifests.metadata import Owner
from workspace_controller.pod_clients.administration_key import read_or_create

NAME = "kaito-workspace-controller-administration"


async def test_the_first_replica_creates_the_key_and_all_others_read_it() -> None:
    cluster = FakeCluster()
    first = await read_or_create(cluster, settings())
    assert len(first) == 64
    assert await read_or_create(cluster, settings()) == first
    assert cluster.peek(kinds.SECRET, NAME, RELEASE) is not None


async def test_a_replica_that_was_slower_takes_the_others_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, create = FakeCluster(), FakeCluster.create

    async def create_after_another(self: FakeCluster, kind: Kind, manifest: Manifest) -> Any:
        monkeypatch.undo()
        await read_or_create(cluster, settings(), lambda _: "another")
        return await create(self, kind, manifest)

    monkeypatch.setattr(FakeCluster, "create", create_after_another)
    assert await read_or_create(cluster, settings()) == "another"


async def test_a_secret_without_a_key_is_not_overwritten() -> None:
    cluster = FakeCluster()
    theirs = {"metadata": {"name": NAME, "namespace": RELEASE}, "data": {"x": "eA=="}}
    cluster.seed(kinds.SECRET, theirs)
    assert await read_or_create(cluster, settings()) == ""


async def test_a_failing_api_server_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> Manifest:
        raise errors.Unavailable("no answer")

    monkeypatch.setattr(FakeCluster, "get", fail)
    with pytest.raises(errors.ClusterError):
        await read_or_create(FakeCluster(), settings())


def test_each_workspace_has_a_token_of_its_own() -> None:
    others = (Owner("team", "other", "u"), Owner("other", "ws", "u"))
    tokens = {token("key", each) for each in (OWNER, *others)} | {token("another key", OWNER)}
    assert len(tokens) == 4


def test_the_pod_knows_the_digest_of_the_token() -> None:
    expected = hashlib.sha256(token("key", OWNER).encode()).hexdigest()
    assert token_sha256("key", OWNER) == expected


def test_the_key_is_not_shown_with_the_settings() -> None:
    assert "s3cret" not in repr(settings(administration_key="s3cret"))
