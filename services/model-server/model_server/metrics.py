"""The Prometheus metrics: requests, tokens, latencies, and the load of the engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from model_server.engine import SchedulerStats
from model_server.startup.start_report import StartReport

_LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKEN_GAP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


# What pickers of the Gateway API Inference Extension read, whatever the engine is.
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_KV_CACHE_USAGE = "vllm:kv_cache_usage_perc"
_ADAPTERS = "vllm:lora_requests_info"


@dataclass(frozen=True, slots=True)
class LoadedAdapters:
    """The adapters that can answer without being loaded first, and how many there may be."""

    names: Sequence[str] = ()
    most: int = 0


class Metrics:
    """The metrics of one server, in their own registry."""

    def __init__(
        self,
        scheduler_stats: Callable[[], SchedulerStats],
        engine_metrics: Callable[[], Iterable[Metric]] = tuple,
        adapters: Callable[[], LoadedAdapters] = LoadedAdapters,
    ) -> None:
        """`engine_metrics` are those of an engine in another container, read in a thread."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_EngineCollector(scheduler_stats, engine_metrics, adapters))
        self.requests = Counter(
            "kaito_model_server_requests",
            "Requests that ended, by method, model and gRPC status code",
            ("method", "model", "code"),
            registry=self.registry,
        )
        self.prompt_tokens = self._tokens("prompt", "Prompt tokens processed")
        self.completion_tokens = self._tokens("completion", "Tokens generated")
        self.first_token = self._seconds(
            "time_to_first_token", "Time from arrival to first token", _LATENCY_SECONDS
        )
        self.token_gap = self._seconds(
            "inter_token", "Time between two deltas of a choice", _TOKEN_GAP_SECONDS
        )
        self.queued = self._seconds(
            "queue", "Time until the first choice got a place in the batch", _LATENCY_SECONDS
        )
        self.duration = self._seconds("request", "Time from arrival to end", _LATENCY_SECONDS)

    def record_start(self, start: StartReport) -> None:
        """Show how the model was started; once, when it is ready."""
        phases = self._start_gauge("phase_seconds", "What each phase of the start took", ("phase",))
        for phase, seconds in start.seconds.items():
            phases.labels(phase).set(seconds)
        if speed := start.speed:
            rates = self._start_gauge(
                "tokens_per_second",
                "New tokens a second, measured before the first request, by answers at once",
                ("answers",),
            )
            rates.labels(str(speed.answers)).set(speed.peak_tokens_per_second)
            rates.labels("1").set(speed.tokens_per_second)
        if memory := start.memory:
            peak = self._start_gauge("peak_memory_bytes", "The most memory until it was ready", ())
            peak.set(memory.peak_bytes)

    def _start_gauge(self, name: str, help_text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"kaito_model_server_start_{name}", help_text, labels, registry=self.registry)

    def _tokens(self, kind: str, help_text: str) -> Counter:
        return Counter(
            f"kaito_model_server_{kind}_tokens", help_text, ("model",), registry=self.registry
        )

    def _seconds(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(
            f"kaito_model_server_{name}_seconds",
            help_text,
            ("model",),
            buckets=buckets,
            registry=self.registry,
        )


class _EngineCollector:
    """Reads the engine's load, and its own metrics, at every scrape."""

    def __init__(
        self,
        scheduler_stats: Callable[[], SchedulerStats],
        engine_metrics: Callable[[], Iterable[Metric]],
        adapters: Callable[[], LoadedAdapters],
    ) -> None:
        self._scheduler_stats = scheduler_stats
        self._adapters = adapters
        self._engine_metrics = engine_metrics

    def collect(self) -> Iterator[Metric]:
        own = list(self._engine_metrics())
        yield from own
        stats = _load(own) or self._scheduler_stats()
        for name, help_text, value in (
            ("batch_size", "Choices in the running batch", stats.running),
            ("queue_length", "Choices waiting for a place in the batch", stats.waiting),
            ("kv_cache_used_ratio", "Used share of the KV cache, 0 to 1", stats.kv_cache_usage),
        ):
            yield GaugeMetricFamily(f"kaito_model_server_{name}", help_text, value=float(value))
        if own:
            return
        for name, help_text, value in (
            (_RUNNING, "As kaito_model_server_batch_size", stats.running),
            (_WAITING, "As kaito_model_server_queue_length", stats.waiting),
            (_KV_CACHE_USAGE, "As kaito_model_server_kv_cache_used_ratio", stats.kv_cache_usage),
        ):
            yield GaugeMetricFamily(name, help_text, value=float(value))
        yield _adapters_info(self._adapters())


def _adapters_info(adapters: LoadedAdapters) -> Metric:
    """As vLLM has it: the names in labels. Its value, a time there, tells the newest of several."""
    labels = ("max_lora", "running_lora_adapters", "waiting_lora_adapters")
    info = GaugeMetricFamily(_ADAPTERS, "The adapters that are loaded", labels=labels)
    info.add_metric((str(adapters.most), ",".join(adapters.names), ""), 1.0)
    return info


def _load(families: Iterable[Metric]) -> SchedulerStats | None:
    """The load that an engine's own metrics tell; of several copies of the model, of all."""
    values = {
        family.name: [sample.value for sample in family.samples]
        for family in families
        if family.name in (_RUNNING, _WAITING, _KV_CACHE_USAGE) and family.samples
    }
    if len(values) < 3:
        return None
    return SchedulerStats(
        running=int(sum(values[_RUNNING])),
        waiting=int(sum(values[_WAITING])),
        kv_cache_usage=max(values[_KV_CACHE_USAGE]),
    )
