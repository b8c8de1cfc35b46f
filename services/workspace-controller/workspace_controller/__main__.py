"""Composition root: settings, clients, and everything that one replica runs."""

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry

from kaito_kube import kinds
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.connect import connect
from kaito_kube.errors import NotFound
from kaito_kube.events import EventRecorder
from kaito_kube.feeds import Feeds
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.health_server import Application, health_app, serve_http
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader
from kaito_kube.owner_reference import owner_references
from kaito_kube.store import Store
from kaito_kube.work_queue import RateLimit
from kaito_presets import catalog as presets
from kaito_process import logs
from kaito_process.backoff import Backoff
from kaito_process.environment import SettingError
from kaito_skus import catalog as skus
from workspace_controller import handlers
from workspace_controller.controller import Controller, build_controller
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.metrics import DemandCollector
from workspace_controller.demand.recommendations import Recommendations
from workspace_controller.demand.server import serve as serve_demand
from workspace_controller.executor import Executor
from workspace_controller.hub.http_client import HttpHubClient
from workspace_controller.hub.models import HubModels
from workspace_controller.inference_sets.load_client import HttpLoadClient
from workspace_controller.inference_sets.queue import build_set_queue
from workspace_controller.inference_sets.ticker import ScalingTicker
from workspace_controller.metrics import Metrics, StoreCollector
from workspace_controller.model_registry import ModelRegistry
from workspace_controller.namespace_budgets import NamespaceBudgets
from workspace_controller.node_reservations import NodeReservations
from workspace_controller.observer import Observer
from workspace_controller.pod_clients.adapter_client import GrpcAdapterClient
from workspace_controller.pod_clients.adapter_sender import AdapterSender
from workspace_controller.pod_clients.administration_key import wait_for_key
from workspace_controller.pod_clients.download_client import HttpDownloadClient
from workspace_controller.pod_clients.model_client import GrpcModelClient
from workspace_controller.pod_clients.tuning_client import GrpcTuningClient
from workspace_controller.prices.current_prices import CurrentPrices
from workspace_controller.prices.http_price_list import HttpPriceList
from workspace_controller.reconciler import Reconciler
from workspace_controller.rollout import Rollout
from workspace_controller.settings import Settings
from workspace_controller.webhook.server import Webhook
from workspace_controller.webhook.validator import Validator

logger = logging.getLogger(__name__)
NAME = "workspace-controller"


@dataclass(frozen=True, slots=True)
class Process:
    """Everything that one replica runs."""

    cluster: Cluster
    clock: Clock
    settings: Settings
    leadership: Leadership
    store: Store
    feeds: Feeds
    controller: Controller
    webhook: Webhook
    model_registry: ModelRegistry
    prices: CurrentPrices
    demand: CurrentDemand
    recommendations: Recommendations
    ticker: ScalingTicker
    registry: CollectorRegistry
    metrics: Metrics

    async def run(self, stop: asyncio.Event) -> int:
        """Runs until `stop` is set. Returns the exit status: 1 when a part ended by itself."""
        parts: Mapping[str, Coroutine[Any, Any, None]] = {
            "kopf": self.watch_workspaces(),
            "informers": self.controller.run_informers(self.feeds),
            "webhook": self.webhook.serve(),
            "prices": self.prices.run(),
            "demand": serve_demand(self.demand, self.store, self.settings.grpc_port),
            "recommendations": self.recommendations.run(),
            "leader election": self.run_leader_election(),
        }
        async with serve_http(self.health_app(), self.settings.http_port):
            return await run_until(stop, parts)

    def health_app(self) -> Application:
        """Alive while no feed is deaf, and ready while every kind is listed and watched."""
        return health_app(self.registry, self.feeds.problem, self.readiness_problem)

    def readiness_problem(self) -> str | None:
        """Why this replica cannot do its work, or None. A standby is ready, too."""
        return self.feeds.not_ready_reason(self.controller.unlisted_kinds())

    async def run_leader_election(self) -> None:
        """Waits for leadership, leads, and returns when leadership is lost."""
        settings = self.settings
        lease = LeaseConfig(
            name=settings.lease_name,
            namespace=settings.release_namespace,
            identity=settings.pod_name,
            owners=tuple(dict(owner) for owner in settings.namespaced_owners),
        )
        await run_as_leader(self.cluster, self.clock, lease, self.lead, self.leadership)

    async def lead(self) -> None:
        """Does what only one replica may do, until it is canceled."""
        self.metrics.leading.set(1)
        await self.prices.wait_until_tried()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.controller.reconcile_all())
            tasks.create_task(self.ticker.run())
            tasks.create_task(self.webhook.keep_registered())
            tasks.create_task(self.model_registry.run())

    async def watch_workspaces(self) -> None:
        """Runs kopf, and runs it again when it gives up, for example because the CRD is gone."""
        feed, backoff = self.feeds.open(kinds.WORKSPACE.plural), Backoff()
        while True:
            try:
                # kopf looks for its resources once, when it starts.
                await self.cluster.list(kinds.WORKSPACE)
                feed.heard()
                await handlers.watch_workspaces(self.controller.update_workspace, feed)
            except Exception as error:
                if isinstance(error, NotFound):
                    # An answer: who manages CRDs separately may be later.
                    feed.heard()
                feed.failed(error)
            await asyncio.sleep(backoff.next_seconds(asyncio.get_running_loop().time()))


def build(
    settings: Settings,
    cluster: Cluster,
    clock: Clock,
    rng: random.Random,
    monotonic: Callable[[], float] = time.monotonic,
) -> Process:
    # Both parse dozens of YAML files. Done here, neither a pass nor an admission waits for it.
    presets.load()
    skus.load()
    registry, store, feeds = CollectorRegistry(), Store(), Feeds()
    metrics = Metrics(registry)
    registry.register(feeds)
    leadership = Leadership()
    fence = FencedCluster(cluster, leadership)
    adapters = GrpcAdapterClient()
    price_list = HttpPriceList(settings.price_list) if settings.price_list else None
    prices = CurrentPrices(price_list, store, clock, rng)
    registry.register(StoreCollector(store, clock, prices.book))
    demand = CurrentDemand(monotonic)
    registry.register(DemandCollector(demand))
    recommendations = Recommendations(demand, store, clock)
    observer = Observer(
        cluster,
        store,
        NodeReservations(store),
        Rollout(store),
        clock,
        settings,
        GrpcTuningClient(),
        adapters,
        HubModels(HttpHubClient(settings.hub_endpoint), clock, rng),
        GrpcModelClient(),
        HttpDownloadClient(),
        NamespaceBudgets(store),
        prices.book,
    )
    recorder = EventRecorder(fence, clock, f"kaito-{NAME}", settings.pod_name)
    executor = Executor(
        fence,
        recorder,
        AdapterSender(cluster, adapters, settings.administration_key),
    )
    reconciler = Reconciler(observer, executor, metrics)
    set_queue, ticker = build_set_queue(
        fence,
        store,
        clock,
        HttpLoadClient(),
        recorder,
        metrics,
        RateLimit(concurrency=settings.concurrency),
        rng,
        recommendations,
        prices.book,
    )
    return Process(
        cluster=cluster,
        clock=clock,
        settings=settings,
        leadership=leadership,
        store=store,
        feeds=feeds,
        controller=build_controller(cluster, store, reconciler, settings, rng, set_queue),
        # Not fenced: every replica may renew the certificate, and each renews the same Secret.
        webhook=Webhook(cluster, clock, settings, Validator(observer).check, metrics),
        model_registry=ModelRegistry(fence, store, settings),
        prices=prices,
        demand=demand,
        recommendations=recommendations,
        ticker=ticker,
        registry=registry,
        metrics=metrics,
    )


async def run_until(stop: asyncio.Event, parts: Mapping[str, Coroutine[Any, Any, None]]) -> int:
    """Runs all parts until `stop` is set, or until the first of them ends, which none should.

    Returns the exit status."""
    tasks = {asyncio.create_task(parts[name], name=name) for name in parts}
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *tasks):
        task.cancel()
    await asyncio.gather(stopping, *tasks, return_exceptions=True)
    ended = [task for task in done if task is not stopping]
    for task in ended:
        logger.error("%s ended: %s", task.get_name(), task.exception() or "without an error")
    return 1 if ended else 0


async def serve(settings: Settings) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with connect(f"kaito-{NAME}") as cluster:
        # Pods are made with it, so it is known before the first pass. While the API server does
        # not answer, the process is not restarted.
        waiting = health_app(CollectorRegistry(), lambda: None, lambda: "waiting for its key")
        async with serve_http(waiting, settings.http_port):
            key = await wait_for_key(cluster, settings)
        name, namespace = settings.lease_name, settings.release_namespace
        settings = replace(
            settings,
            administration_key=key,
            # Unlike a Deployment, an upgrade never replaces these.
            namespaced_owners=await owner_references(
                cluster, kinds.SERVICE_ACCOUNT, name, namespace
            ),
        )
        return await build(settings, cluster, cluster.clock, random.Random()).run(stop)


def main() -> int:
    try:
        settings = Settings.from_env(os.environ)
        logs.configure(settings.log_level, NAME)
        return asyncio.run(serve(settings))
    except SettingError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
