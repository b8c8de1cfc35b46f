"""Policies and the administration key on a real API server, with the chart's rights."""

from kaito_kube import kinds
from kaito_kube.connect import connect
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import NAME, Sandbox, eventually
from tests.workspace_controller.given import PRESET, settings
from workspace_controller.pod_clients.administration_key import read_or_create


def policy_of(sandbox: Sandbox) -> Manifest | None:
    return sandbox.get(kinds.NETWORK_POLICY, "ws")


async def test_policy_is_created_left_alone_and_restored(sandbox: Sandbox) -> None:
    sandbox.node("node-1")
    sandbox.create(
        kinds.WORKSPACE,
        {
            "metadata": {"name": "ws"},
            "resource": {"labelSelector": {"matchLabels": {"app": "phi"}}},
            "inference": {"preset": {"name": PRESET}},
        },
    )
    async with sandbox.controller("byo"):
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws"))
        created = policy_of(sandbox)
        assert created is not None
        # An edit of the Service makes passes. None of them finds the policy different from its own.
        sandbox.patch(kinds.SERVICE, "ws", {"spec": {"selector": {"app": "other"}}})
        await eventually(
            lambda: "app" not in (sandbox.get(kinds.SERVICE, "ws") or {})["spec"]["selector"]
        )
        kept = policy_of(sandbox)
        assert kept is not None
        assert kept["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
        sandbox.patch(kinds.NETWORK_POLICY, "ws", {"spec": {"ingress": [{}]}})
        await eventually(lambda: (policy_of(sandbox) or {})["spec"] == created["spec"])


async def test_the_key_is_created_once_with_the_controllers_own_rights(sandbox: Sandbox) -> None:
    given = settings(lease_name=NAME)
    async with connect("kaito-test") as cluster:
        key = await read_or_create(cluster, given)
        assert len(key) == 64
        assert await read_or_create(cluster, given) == key
