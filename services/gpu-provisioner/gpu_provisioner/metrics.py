"""Counts and times, under Karpenter's names and with its labels where it has them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gpu_provisioner.claims.claim import Claim
from kaito_api import labels

_SECONDS = (1, 5, 15, 30, 60, 120, 240, 480, 900, 1800)
_HOURS = tuple(hours * 3600 for hours in (0.25, 0.5, 1, 2, 4, 8, 12, 24, 48, 120, 240, 480, 720))
_POOL = "nodepool"


class Metrics:
    """The label nodepool is the NodePool, Provisioner or KAITO pool that the claim names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, help_: str, *by: str) -> Counter:
            return Counter(name, help_, by, registry=registry)

        def histogram(name: str, help_: str, buckets: tuple[float, ...], *by: str) -> Histogram:
            return Histogram(name, help_, by, buckets=buckets, registry=registry)

        claims, nodes = "karpenter_nodeclaims", "karpenter_nodes"
        self._asked = counter(
            "kaito_agent_pools_created", "Agent pools asked for.", "instance_type"
        )
        self._dropped = counter("kaito_agent_pools_deleted", "Agent pools asked to be deleted.")
        self._collected = counter("kaito_orphans_deleted", "What no claim asked for.", "kind")
        self._strays = Gauge(
            "kaito_stray_nodes", "Ready nodes with neither claim nor pool.", registry=registry
        )
        self._refused = counter("karpenter_cloudprovider_errors", "The cloud's refusals.", "reason")
        self._market_unreadable = counter(
            "kaito_market_unreadable",
            "Reads of quota and SKUs that failed; creates go on without.",
            "reason",
        )
        self._created = counter(f"{claims}_created", "Claims taken on.", "reason", _POOL)
        self._disrupted = counter(
            f"{claims}_disrupted", "Claims given up.", "reason", _POOL, "capacity_type"
        )
        self._terminated = counter(
            f"{claims}_terminated", "Claims let go.", _POOL, "capacity_type", "zone"
        )
        self._reached = histogram(
            f"{claims}_condition_seconds",
            "Time from a claim's creation to a condition.",
            _SECONDS,
            "condition",
        )
        self._termination = histogram(
            f"{claims}_termination_duration_seconds",
            "Time from a claim's deletion to its end.",
            _SECONDS,
            _POOL,
        )
        self._nodes_created = counter(f"{nodes}_created", "Nodes that joined.", _POOL)
        self._nodes_terminated = counter(f"{nodes}_terminated", "Nodes that went.", _POOL)
        self._drained = counter(f"{nodes}_drained", "Nodes that were drained.", _POOL)
        self._evictions = counter(f"{nodes}_eviction_requests", "Evictions asked for.", "code")
        self._lifetime = histogram(
            f"{nodes}_lifetime_duration_seconds", "Age of the nodes that went.", _HOURS, _POOL
        )

    def taken_on(self, claim: Claim) -> None:
        self._created.labels("provisioned", _pool(claim)).inc()

    def pool_created(self, instance_type: str) -> None:
        self._asked.labels(instance_type).inc()

    def pool_deleted(self) -> None:
        self._dropped.inc()

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def reached(self, claim: Claim, condition: str, seconds: float) -> None:
        """A condition of a claim that became True."""
        if condition == claim.kind.drained:
            self._drained.labels(_pool(claim)).inc()
        if claim.deleted is None:
            self._reached.labels(condition).observe(seconds)
        if condition == claim.kind.registered:
            self._nodes_created.labels(_pool(claim)).inc()

    def given_up(self, claim: Claim, reason: str) -> None:
        self._disrupted.labels(reason, _pool(claim), _capacity_type(claim)).inc()

    def evicted(self, code: str) -> None:
        self._evictions.labels(code).inc()

    def terminated(self, claim: Claim, seconds: float, node_age: float | None) -> None:
        """`node_age` is None where no machine ever joined."""
        pool = _pool(claim)
        zone = claim.labels.get(labels.ZONE, "")
        self._terminated.labels(pool, _capacity_type(claim), zone).inc()
        self._termination.labels(pool).observe(seconds)
        if node_age is not None:
            self._nodes_terminated.labels(pool).inc()
            self._lifetime.labels(pool).observe(node_age)

    def collected(self, kind: str) -> None:
        self._collected.labels(kind).inc()

    def strays(self, number: int) -> None:
        self._strays.set(number)

    def market_unreadable(self, reason: str) -> None:
        self._market_unreadable.labels(reason).inc()


def _pool(claim: Claim) -> str:
    has = claim.labels
    return has.get(labels.NODE_POOL) or has.get(labels.PROVISIONER_NAME, "")


def _capacity_type(claim: Claim) -> str:
    return claim.labels.get(labels.CAPACITY_TYPE, "on-demand")
