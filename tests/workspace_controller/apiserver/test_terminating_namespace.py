"""A namespace that is being deleted: nothing can be created in it, which is no outage."""

from kaito_kube import kinds
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually


async def test_namespace_that_is_being_deleted_is_named(sandbox: Sandbox) -> None:
    sandbox.workspace(byo=True)
    async with sandbox.controller("byo"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "False/NotEnoughNodes"
        )
        # No namespace controller runs here: the Workspace stays as long as the namespace.
        sandbox.api.admin.delete(f"/api/v1/namespaces/{sandbox.namespace}")
        sandbox.node("mine")
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "False/NamespaceTerminating"
        )
        message = sandbox.message("ws", "ResourceReady")
        assert f"namespace {sandbox.namespace} because it is being terminated" in message
        assert sandbox.get(kinds.DEPLOYMENT, "ws") is None
        sandbox.delete(kinds.WORKSPACE, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)
