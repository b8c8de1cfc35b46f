"""The controller's rights are away for longer than kopf retries, on a real API server."""

from collections.abc import Callable, Iterator

import kopf
import pytest

from kaito_kube import kinds, lightkube_cluster
from kaito_process.backoff import Backoff
from tests.charts.render import find, render
from tests.workspace_controller.apiserver.sandbox import NAME, Sandbox, eventually
from workspace_controller import handlers

BINDING = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{NAME}"
# kopf's own retries end after the ninth.
MANY = 25


class Counted(Backoff):
    """Short pauses, each of which is counted."""

    tries = 0

    def pauses(self) -> Iterator[float]:
        while True:
            Counted.tries += 1
            yield 0.1


async def test_workspaces_are_seen_after_the_rights_are_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = handlers.operator_settings

    def impatient(_: Callable[[], Backoff]) -> kopf.OperatorSettings:
        settings = original(Counted)
        settings.watching.server_timeout = 1
        return settings

    monkeypatch.setattr(handlers, "operator_settings", impatient)
    monkeypatch.setattr(lightkube_cluster, "WATCH_SECONDS", 1)
    sandbox.node("one")
    async with sandbox.controller("byo"):
        sandbox.workspace("before", byo=True)
        await eventually(lambda: sandbox.worker_nodes("before") == ["one"])
        sandbox.api.admin.delete(BINDING)
        before = Counted.tries
        await eventually(lambda: Counted.tries >= before + MANY, within=60)
        sandbox.workspace("during", byo=True)
        sandbox.api.admin.apply(BINDING, find(render(), "ClusterRoleBinding", NAME))
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "during"))
        await eventually(
            lambda: sandbox.status_and_reason("during", "NodesReady") == "False/NotEnoughNodes",
            within=60,
        )
