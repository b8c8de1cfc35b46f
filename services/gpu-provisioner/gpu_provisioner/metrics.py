"""Metrics. They have Karpenter's names and labels wherever Karpenter has such a metric."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gpu_provisioner.claims.claim import Claim
from kaito_api import labels

# An AKS GPU node takes 3 to 10 minutes, and the longest timeout is 30 minutes.
_SECONDS = (1, 5, 15, 30, 60, 120, 240, 480, 900, 1800)
# From a quarter of an hour to 30 days, in seconds.
_HOURS = tuple(hours * 3600 for hours in (0.25, 0.5, 1, 2, 4, 8, 12, 24, 48, 120, 240, 480, 720))
_POOL = "nodepool"


class Metrics:
    """The label `nodepool` is the NodePool or Provisioner that the claim's labels name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, help_: str, *by: str) -> Counter:
            return Counter(name, help_, by, registry=registry)

        def histogram(name: str, help_: str, buckets: tuple[float, ...], *by: str) -> Histogram:
            return Histogram(name, help_, by, buckets=buckets, registry=registry)

        claims, nodes = "karpenter_nodeclaims", "karpenter_nodes"
        self._pools_created = counter(
            "kaito_agent_pools_created", "Agent pools whose creation started.", "instance_type"
        )
        self._pools_deleted = counter(
            "kaito_agent_pools_deleted", "Agent pools whose deletion started."
        )
        self._orphans_deleted = counter(
            "kaito_orphans_deleted", "Agent pools and Nodes without a claim, deleted.", "kind"
        )
        self._leaked_pools = Gauge(
            "kaito_leaked_pools",
            "Agent pools without a claim at the last collection. They cost money.",
            registry=registry,
        )
        self._stray_nodes = Gauge(
            "kaito_stray_nodes",
            "Ready Nodes with neither a claim nor an agent pool.",
            registry=registry,
        )
        self._collected = Gauge(
            "kaito_garbage_collected_timestamp_seconds",
            "When garbage was last collected, as a Unix time.",
            registry=registry,
        )
        self._collection_blocked = counter(
            "kaito_garbage_collection_blocked",
            "Passes that could not collect garbage: a right is missing, or nobody answers.",
            "cause",
        )
        self._cloud_errors = counter(
            "karpenter_cloudprovider_errors", "Errors returned by the cloud.", "reason"
        )
        self._availability_unreadable = counter(
            "kaito_market_unreadable",
            "Failed reads of quota and SKUs. Pools are created without pre-flight meanwhile.",
            "reason",
        )
        self._claims_created = counter(
            f"{claims}_created", "Claims that this provisioner accepted.", "reason", _POOL
        )
        self._claims_disrupted = counter(
            f"{claims}_disrupted",
            "Claims that this provisioner deleted itself.",
            "reason",
            _POOL,
            "capacity_type",
        )
        self._claims_terminated = counter(
            f"{claims}_terminated",
            "Claims whose termination finished.",
            _POOL,
            "capacity_type",
            "zone",
        )
        self._condition_seconds = histogram(
            f"{claims}_condition_seconds",
            "Time from a claim's creation until a condition is True.",
            _SECONDS,
            "condition",
        )
        self._termination_seconds = histogram(
            f"{claims}_termination_duration_seconds",
            "Time from a claim's deletion until its finalizer is removed.",
            _SECONDS,
            _POOL,
        )
        self._nodes_created = counter(f"{nodes}_created", "Nodes that joined.", _POOL)
        self._nodes_terminated = counter(f"{nodes}_terminated", "Nodes that were removed.", _POOL)
        self._nodes_drained = counter(f"{nodes}_drained", "Nodes that were drained.", _POOL)
        self._evictions = counter(f"{nodes}_eviction_requests", "Requests to evict a pod.", "code")
        self._node_lifetime = histogram(
            f"{nodes}_lifetime_duration_seconds", "Age of removed Nodes.", _HOURS, _POOL
        )

    def claim_accepted(self, claim: Claim) -> None:
        self._claims_created.labels("provisioned", _pool(claim)).inc()

    def pool_created(self, instance_type: str) -> None:
        self._pools_created.labels(instance_type).inc()

    def pool_deleted(self) -> None:
        self._pools_deleted.inc()

    def cloud_error(self, reason: str) -> None:
        self._cloud_errors.labels(reason).inc()

    def condition_reached(self, claim: Claim, condition: str, seconds: float) -> None:
        """Record that a condition of the claim became True."""
        if condition == claim.kind.drained:
            self._nodes_drained.labels(_pool(claim)).inc()
        if claim.deleted is None:
            self._condition_seconds.labels(condition).observe(seconds)
        if condition == claim.kind.registered:
            self._nodes_created.labels(_pool(claim)).inc()

    def claim_disrupted(self, claim: Claim, reason: str) -> None:
        self._claims_disrupted.labels(reason, _pool(claim), _capacity_type(claim)).inc()

    def eviction_requested(self, code: str) -> None:
        self._evictions.labels(code).inc()

    def claim_terminated(self, claim: Claim, seconds: float, node_age: float | None) -> None:
        """Record the end of a claim. `node_age` in seconds is None where no machine joined."""
        pool = _pool(claim)
        zone = claim.labels.get(labels.ZONE, "")
        self._claims_terminated.labels(pool, _capacity_type(claim), zone).inc()
        self._termination_seconds.labels(pool).observe(seconds)
        if node_age is not None:
            self._nodes_terminated.labels(pool).inc()
            self._node_lifetime.labels(pool).observe(node_age)

    def orphan_deleted(self, kind: str) -> None:
        self._orphans_deleted.labels(kind).inc()

    def collected(self, unix_seconds: float) -> None:
        self._collected.set(unix_seconds)

    def collection_blocked(self, cause: str) -> None:
        self._collection_blocked.labels(cause).inc()

    def set_leaked_pools(self, number: int) -> None:
        self._leaked_pools.set(number)

    def set_stray_nodes(self, number: int) -> None:
        self._stray_nodes.set(number)

    def availability_unreadable(self, reason: str) -> None:
        self._availability_unreadable.labels(reason).inc()


def _pool(claim: Claim) -> str:
    has = claim.labels
    return has.get(labels.NODE_POOL) or has.get(labels.PROVISIONER_NAME, "")


def _capacity_type(claim: Claim) -> str:
    return claim.labels.get(labels.CAPACITY_TYPE, "on-demand")
