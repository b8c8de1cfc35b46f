"""The real gpu-provisioner in a simulated process."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.manager import Manager
from gpu_provisioner.settings import Settings
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.leader_election import LeaseConfig
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.arm_client import ArmClient, Azure
from tests.simulation.invariants import InvariantChecker
from tests.simulation.replica import ReplicaContext
from tests.simulation.simulation import Simulation

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

Compose = Callable[[Cluster, CloudProvider, Clock, Settings, random.Random], Manager]


def compose(
    cluster: Cluster,
    cloud: CloudProvider,
    clock: Clock,
    settings: Settings,
    rng: random.Random,
) -> Manager:
    """Compose the provisioner as its __main__ does."""
    paced = PacedCloud(cloud, clock, settings.budget)
    return Manager(cluster, paced, clock, settings, CollectorRegistry(), rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """`lease` is the duration of a Lease in seconds."""

    sim: Simulation
    server: ApiServer
    azure: Azure
    checker: InvariantChecker
    lease: float
    composition: Compose

    async def main(self, context: ReplicaContext) -> None:
        cluster = ApiClient(
            self.sim, self.server, context.process, self.checker, context.adopt_time
        )
        cloud = ArmClient(self.sim, self.azure, context.process, context.clock, self.checker)
        settings = replace(SETTINGS, pod_name=context.name)
        operator = self.composition(cluster, cloud, context.clock, settings, context.rng)
        await operator.run(self._lease_config(context.name))

    def _lease_config(self, identity: str) -> LeaseConfig:
        """The same proportions as in production."""
        return LeaseConfig(
            name=NAME,
            namespace="kaito",
            identity=identity,
            lease_duration_seconds=self.lease,
            renew_interval_seconds=self.lease / 5,
            retry_period_seconds=self.lease / 20,
        )
