"""What Prometheus reads: requests, tokens, waiting times, and how busy the engine is."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from model_server.engine import Occupancy

_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKEN_GAP = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """One server's instruments, in a registry of their own."""

    def __init__(self, occupancy: Callable[[], Occupancy]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_Busy(occupancy))
        self.requests = Counter(
            "kaito_model_server_requests",
            "Requests that ended, by gRPC status code",
            ("method", "model", "code"),
            registry=self.registry,
        )
        self.prompt_tokens = self._tokens("prompt", "Tokens of prompts")
        self.completion_tokens = self._tokens("completion", "New tokens")
        self.first_token = self._seconds("time_to_first_token", "Arrival to first token", _LATENCY)
        self.token_gap = self._seconds("inter_token", "Between pieces of one choice", _TOKEN_GAP)
        self.queued = self._seconds("queue", "Waiting for a place in the batch", _LATENCY)
        self.duration = self._seconds("request", "Arrival to end", _LATENCY)

    def _tokens(self, kind: str, text: str) -> Counter:
        return Counter(
            f"kaito_model_server_{kind}_tokens", text, ("model",), registry=self.registry
        )

    def _seconds(self, what: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(
            f"kaito_model_server_{what}_seconds",
            text,
            ("model",),
            buckets=buckets,
            registry=self.registry,
        )


class _Busy:
    """Asks the engine when it is scraped."""

    def __init__(self, occupancy: Callable[[], Occupancy]) -> None:
        self._occupancy = occupancy

    def collect(self) -> Iterator[Metric]:
        now = self._occupancy()
        for name, text, value in (
            ("batch_size", "Choices in the running batch", now.running),
            ("queue_length", "Choices that wait for a place in the batch", now.waiting),
            ("kv_cache_used_ratio", "Share of the KV cache in use, 0..1", now.kv_used),
        ):
            yield GaugeMetricFamily(f"kaito_model_server_{name}", text, value=float(value))
