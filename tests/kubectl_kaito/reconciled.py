"""Workspaces with the status that workspace-controller itself writes, for the commands to read."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import MACHINE, Key, Manifest
from kubectl_kaito.cluster.fake import FakeCluster
from tests.kubectl_kaito.console import Console
from tests.workspace_controller.given import NAMESPACE, settings
from tests.workspace_controller.harness import Environment


@dataclass
class Reconciled:
    """The controller over a fake cluster, and a console over the same one."""

    environment: Environment = field(default_factory=lambda: Environment(settings()))

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.environment.cluster, namespace=NAMESPACE)
        self.console = Console(self.cluster, now=self.environment.clock.now)

    def apply(self, *manifests: Manifest) -> "Reconciled":
        for manifest in manifests:
            self.environment.apply(manifest)
        return self

    def rounds(self, number: int) -> "Reconciled":
        """Lets the controller and the rest of the cluster do what comes next, some times."""

        async def go() -> None:
            for _ in range(number):
                await self.environment.replica.round()
                self.environment.world.step()
                self.environment.clock.advance(5)

        asyncio.run(go())
        return self

    def controller_pass(self) -> "Reconciled":
        """Lets the controller look once, and nothing else happen."""
        asyncio.run(self.environment.replica.round())
        return self

    def launch(self) -> "Reconciled":
        """Lets the provisioner report that the machines run from now on: from then on they cost."""
        now = rfc3339(self.environment.clock.now())
        for machine in self.environment.cluster.objects(MACHINE):
            launched = {"type": "MachineLaunched", "status": "True", "lastTransitionTime": now}
            conditions = [launched, *machine["status"]["conditions"]]
            key = Key("", machine["metadata"]["name"])
            self.environment.cluster.change(MACHINE, key, {"status": {"conditions": conditions}})
        return self.controller_pass()

    def settle(self) -> "Reconciled":
        asyncio.run(self.environment.settle())
        return self


def reconciled(*manifests: Manifest, **changes: Any) -> Reconciled:
    """After nothing changes any longer."""
    made = Reconciled(Environment(settings(**changes)))
    made.environment.push_secret()
    return made.apply(*manifests).settle()
