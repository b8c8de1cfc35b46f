"""The real gpu-provisioner in a process of the simulation."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.manager import Manager
from gpu_provisioner.settings import Settings
from kaito_kube.cluster import Cluster
from kaito_kube.leader_election import LeaseConfig
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.arm_client import ArmClient, Azure
from tests.simulation.judge import Judge
from tests.simulation.loop import LoopClock
from tests.simulation.replica import Life
from tests.simulation.stage import Stage

NAME = "kaito-gpu-provisioner"
_ENVIRONMENT = {
    "KAITO_AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
    "KAITO_AZURE_RESOURCE_GROUP": "simulated",
    "KAITO_AZURE_CLUSTER_NAME": "simulated",
    "KAITO_AZURE_LOCATION": "simland",
    "KAITO_AZURE_TENANT_ID": "tenant",
    "KAITO_AZURE_CLIENT_ID": "client",
    "KAITO_RELEASE_NAMESPACE": "kaito",
    "KAITO_POD_NAME": "gpu-provisioner",
}
SETTINGS = Settings.from_env(_ENVIRONMENT)

Compose = Callable[[Cluster, CloudProvider, LoopClock, Settings, random.Random], Manager]


def compose(
    cluster: Cluster,
    cloud: CloudProvider,
    clock: LoopClock,
    settings: Settings,
    rng: random.Random,
) -> Manager:
    """As __main__ does it."""
    paced = PacedCloud(cloud, clock, settings.budget)
    return Manager(cluster, paced, clock, settings, CollectorRegistry(), rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """`lease` is for how many seconds a Lease lasts."""

    stage: Stage
    server: ApiServer
    azure: Azure
    judge: Judge
    lease: float
    put_together: Compose

    async def main(self, life: Life) -> None:
        cluster = ApiClient(self.stage, self.server, life.process, self.judge)
        cloud = ArmClient(self.stage, self.azure, life.process, life.clock, self.judge)
        settings = replace(SETTINGS, pod_name=life.name)
        operator = self.put_together(cluster, cloud, life.clock, settings, life.rng)
        await operator.run(self._terms(life.name))

    def _terms(self, identity: str) -> LeaseConfig:
        """In the proportions of the real one's."""
        return LeaseConfig(
            name=NAME,
            namespace="kaito",
            identity=identity,
            lease_duration_seconds=self.lease,
            renew_interval_seconds=self.lease / 5,
            retry_period_seconds=self.lease / 20,
        )
