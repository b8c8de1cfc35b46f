"""Prometheus metrics. What the store knows is counted at each scrape."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kaito_api.cost import read_cost, total_so_far
from kaito_api.dollars import parse_dollars
from kaito_api.reasons import REASONS
from kaito_kube.clock import Clock
from kaito_kube.kinds import MACHINE, NAMESPACE, NODE_CLAIM, WORKSPACE, key_of
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from workspace_controller.namespace_budgets import limits_of
from workspace_controller.observed import Claim
from workspace_controller.plan.nodes.claim_status import claim_failure, claim_is_ready

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

    def __init__(self, store: Store, clock: Clock, prices: Callable[[], PriceBook]) -> None:
        self._store = store
        self._clock = clock
        self._prices = prices

    def collect(self) -> Iterator[Metric]:
        yield self._workspaces()
        yield self._claims()
        yield self._failed_claims()
        yield from self._startups()
        yield from self._costs()
        yield self._budgets()
        yield self._price_list()

    def _costs(self) -> Iterator[Metric]:
        prices = GaugeMetricFamily(
            "kaito_workspace_price_dollars_per_hour",
            "List price of the machines that a Workspace has.",
            labels=["namespace", "workspace"],
        )
        totals = CounterMetricFamily(
            "kaito_workspace_cost_dollars",
            "What the machines of a Workspace have cost so far, by list prices.",
            labels=["namespace", "workspace"],
        )
        now = self._clock.now()
        for workspace in self._store.all(WORKSPACE):
            recorded, key = (workspace.get("status") or {}).get("cost") or {}, key_of(workspace)
            if (total := total_so_far(recorded, now)) is not None:
                own = [key.namespace, key.name]
                prices.add_metric(own, float(read_cost(recorded).per_hour))
                totals.add_metric(own, float(total))
        yield prices
        yield totals

    def _budgets(self) -> GaugeMetricFamily:
        """Of namespaces that have one: the lower of label and annotation."""
        family = GaugeMetricFamily(
            "kaito_namespace_budget_dollars_per_hour",
            "What the Workspaces of a namespace may cost.",
            labels=["namespace"],
        )
        for namespace in self._store.all(NAMESPACE):
            limits = [parse_dollars(text) for text in limits_of(namespace).values()]
            if known := [limit for limit in limits if limit is not None]:
                family.add_metric([namespace["metadata"]["name"]], float(min(known)))
        return family

    def _price_list(self) -> GaugeMetricFamily:
        sheet = self._prices().sheet
        return GaugeMetricFamily(
            "kaito_price_list_read_timestamp_seconds",
            "When Azure's price list was last read, as a Unix time; 0 before the first time.",
            value=sheet.read_at.timestamp() if sheet is not None else 0.0,
        )

    def _failed_claims(self) -> GaugeMetricFamily:
        """Another provisioner's reasons are one: users of this metric need a known set."""
        family = GaugeMetricFamily(
            "kaito_workspace_failed_claims",
            "Machines and NodeClaims that report a failure now, by kind and reason.",
            labels=["kind", "reason"],
        )
        for kind in (MACHINE, NODE_CLAIM):
            found = (claim_failure(Claim(kind, claim)) for claim in self._store.all(kind))
            reasons = Counter(
                each.reason if each.reason in REASONS else "Other"
                for each in found
                if each is not None
            )
            for reason, count in sorted(reasons.items()):
                family.add_metric([kind.kind, reason], count)
        return family

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
