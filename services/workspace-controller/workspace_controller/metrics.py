"""Prometheus metrics. What the store knows is counted at each scrape."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kaito_kube.kinds import MACHINE, NODE_CLAIM, WORKSPACE, key_of
from kaito_kube.store import Store
from workspace_controller.observed import Claim
from workspace_controller.plan.nodes.claim_status import claim_is_ready

# In seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What passes and the webhook report, and whether this replica is the leader."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram(
            "kaito_workspace_reconcile_duration_seconds",
            "Duration of one reconcile of one Workspace.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.errors = CounterMetric(
            "kaito_workspace_reconcile_errors_total",
            "Reconciles that failed and are retried.",
            registry=registry,
        )
        self.admissions = CounterMetric(
            "kaito_workspace_admissions_total",
            "Workspaces that the webhook has validated, by result.",
            ["allowed"],
            registry=registry,
        )
        self.leading = Gauge(
            "kaito_workspace_leading", "1 while this replica is the leader.", registry=registry
        )


class StoreCollector(Collector):
    """Counts objects in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._workspaces()
        yield self._claims()
        yield from self._startups()

    def _startups(self) -> Iterator[GaugeMetricFamily]:
        seconds = GaugeMetricFamily(
            "kaito_workspace_startup_seconds",
            "How long each phase of the last start of a Workspace's model took.",
            labels=["namespace", "workspace", "phase"],
        )
        rates = GaugeMetricFamily(
            "kaito_workspace_tokens_per_second",
            "New tokens a second of one answer, as measured before the model served.",
            labels=["namespace", "workspace"],
        )
        for workspace in self._store.all(WORKSPACE):
            status, key = workspace.get("status") or {}, key_of(workspace)
            own = [key.namespace, key.name]
            for field, value in (status.get("startup") or {}).items():
                if field.endswith("Seconds"):
                    seconds.add_metric([*own, field.removesuffix("Seconds")], value)
            metrics = (status.get("performance") or {}).get("metrics") or {}
            if rate := metrics.get("tokensPerSecond"):
                rates.add_metric(own, float(rate["value"]))
        yield seconds
        yield rates

    def _workspaces(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "kaito_workspace_count", "Workspaces, by state.", labels=["phase"]
        )
        states = Counter(
            str((workspace.get("status") or {}).get("state") or "Pending")
            for workspace in self._store.all(WORKSPACE)
        )
        for state, count in sorted(states.items()):
            family.add_metric([state], count)
        return family

    def _claims(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "kaito_workspace_claims",
            "Machines and NodeClaims, by kind and readiness.",
            labels=["kind", "ready"],
        )
        for kind in (MACHINE, NODE_CLAIM):
            ready = Counter(claim_is_ready(Claim(kind, m)) for m in self._store.all(kind))
            for is_ready, count in sorted(ready.items()):
                family.add_metric([kind.kind, str(is_ready).lower()], count)
        return family
