"""Composition root: reads the settings, creates the clients, and runs the manager."""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress

from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.azure.aks_cloud import AksCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.controllers.manager import Manager
from gpu_provisioner.lifecycle.cluster_identity import WrongCluster
from gpu_provisioner.settings import Settings
from kaito_kube import health_server
from kaito_kube.clock import SteadyClock
from kaito_kube.cluster import Cluster
from kaito_kube.connect import connect
from kaito_kube.kinds import SERVICE_ACCOUNT
from kaito_kube.leader_election import LeaseConfig
from kaito_kube.owner_reference import owner_references
from kaito_process import logs
from kaito_process.environment import SettingError

NAME = "gpu-provisioner"


async def serve(settings: Settings) -> None:
    async with connect(NAME) as cluster:
        await run(cluster, cluster.clock, settings)


async def run(cluster: Cluster, clock: SteadyClock, settings: Settings) -> None:
    registry = CollectorRegistry()
    name, namespace = settings.lease_name, settings.release_namespace
    async with AksCloud(settings.azure, clock) as aks:
        cloud = PacedCloud(aks, clock, settings.budget)
        manager = Manager(cluster, cloud, clock, settings, registry)
        async with health_server.serve_http(manager.health_app(), settings.http_port):
            lease = LeaseConfig(
                name=name,
                namespace=namespace,
                identity=settings.pod_name,
                owners=await owner_references(cluster, SERVICE_ACCOUNT, name, namespace),
            )
            running = asyncio.ensure_future(manager.run(lease))
            _cancel_on_signals(running)
            with suppress(asyncio.CancelledError):
                await running


def _cancel_on_signals(task: asyncio.Future[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="Creates AKS agent pools of one node for Machines and NodeClaims. "
        "Settings are KAITO_… environment variables; see the chart's values.",
    )
    parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
        logs.configure(settings.log_level, NAME)
        asyncio.run(serve(settings))
    except (SettingError, WrongCluster) as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
