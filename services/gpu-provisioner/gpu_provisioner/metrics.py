"""Counts and times, under Karpenter's names where it has one."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (1, 5, 15, 30, 60, 120, 240, 480, 900, 1800)


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._created = Counter(
            "karpenter_nodeclaims_created",
            "Agent pools asked for.",
            ["instance_type"],
            registry=registry,
        )
        self._deleted = Counter(
            "karpenter_nodeclaims_disrupted", "Agent pools asked to be deleted.", registry=registry
        )
        self._refused = Counter(
            "karpenter_cloudprovider_errors",
            "Refusals of the cloud.",
            ["reason"],
            registry=registry,
        )
        self._reached = Histogram(
            "karpenter_nodeclaims_condition_seconds",
            "Time from a claim's creation to a condition.",
            ["condition"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._terminated = Histogram(
            "karpenter_nodeclaims_termination_duration_seconds",
            "Time from a claim's deletion to its end.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._collected = Counter(
            "kaito_orphaned_agent_pools", "Agent pools deleted for want of a claim.",
            registry=registry,
        )  # fmt: skip

        self._market_unreadable = Counter(
            "kaito_market_unreadable",
            "Reads of quota and SKUs that failed; creates go on without.",
            ["reason"],
            registry=registry,
        )

    def created(self, instance_type: str) -> None:
        self._created.labels(instance_type).inc()

    def deleted(self) -> None:
        self._deleted.inc()

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def reached(self, condition: str, seconds: float) -> None:
        self._reached.labels(condition).observe(seconds)

    def terminated(self, seconds: float) -> None:
        self._terminated.observe(seconds)

    def collected(self) -> None:
        self._collected.inc()

    def market_unreadable(self, reason: str) -> None:
        self._market_unreadable.labels(reason).inc()
