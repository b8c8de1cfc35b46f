"""A Deployment changes between both ways to replace its pods, on a real API server."""

import pytest

from kaito_kube import kinds
from kaito_kube.connect import connect
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox
from workspace_controller.manifests.metadata import Owner, revision_of
from workspace_controller.manifests.workload import Workload, deployment, template_of, updated


@pytest.mark.parametrize("first", [True, False])
async def test_strategy_is_replaced_and_keeps_the_revision(sandbox: Sandbox, first: bool) -> None:
    workspace = sandbox.workspace()
    owner = Owner(sandbox.namespace, "ws", workspace["metadata"]["uid"])
    pod = {"containers": [{"name": "own", "image": "registry.local/own:1"}]}
    wanted = deployment(Workload(owner=owner, template=template_of(owner, pod), replicas=1))
    async with connect("kaito-test") as cluster:
        for surge in (first, not first, first):
            await cluster.apply(kinds.DEPLOYMENT, updated(wanted, surge=surge, updating=surge))
            made = sandbox.get(kinds.DEPLOYMENT, "ws")
            assert made is not None
            assert made["spec"]["strategy"] == _strategy(surge)
            assert revision_of(made) == revision_of(wanted)
            assert made["metadata"]["generation"] <= 3


def _strategy(surge: bool) -> Manifest:
    if not surge:
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
