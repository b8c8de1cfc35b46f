"""What KAITO serves is kept on a real API server, until its StatefulSet is deleted."""

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller import kaito
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually
from tests.workspace_controller.given import PRESET

OWN = {"kaito.sh/workspace": "ws", "kaito.sh/role": "inference"}


def leave_as_kaito_does(sandbox: Sandbox) -> None:
    sandbox.node("one")
    workspace = sandbox.create(
        kinds.WORKSPACE,
        {
            "metadata": {"name": "ws", "annotations": kaito.annotations()},
            "resource": {"labelSelector": {"matchLabels": {"app": "phi"}}},
            "inference": {"preset": {"name": PRESET}},
        },
    )
    serving = sandbox.create(kinds.STATEFUL_SET, kaito.stateful_set(workspace, "registry.local/1"))
    for service in kaito.services(workspace):
        sandbox.create(kinds.SERVICE, service)
    sandbox.create(kinds.POD, kaito.pod_of(serving, "one"))


def service(sandbox: Sandbox) -> Manifest:
    found = sandbox.get(kinds.SERVICE, "ws")
    assert found is not None
    return found


async def test_workload_and_service_are_kept_until_the_stateful_set_is_deleted(
    sandbox: Sandbox,
) -> None:
    leave_as_kaito_does(sandbox)
    before = service(sandbox)
    async with sandbox.controller("byo"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "InferenceReady") == "True/WorkloadAdopted"
        )
        assert service(sandbox) == before
        assert sandbox.get(kinds.DEPLOYMENT, "ws") is None
        # No garbage collector runs here.
        sandbox.delete(kinds.STATEFUL_SET, "ws")
        sandbox.delete(kinds.POD, "ws-0")
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws"))
        # The whole selector is replaced, and ports that KAITO wrote stay.
        await eventually(lambda: service(sandbox)["spec"]["selector"] == OWN)
        ports = {port["port"] for port in service(sandbox)["spec"]["ports"]}
        assert ports == {80, 29500, 6379, 8265}
        assert service(sandbox)["spec"]["clusterIP"] == before["spec"]["clusterIP"]
