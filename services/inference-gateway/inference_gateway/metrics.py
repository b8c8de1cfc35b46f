"""The gateway's Prometheus metrics. Every label has a bounded set of values."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from inference_gateway.exchange import Exchange

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Counters of one gateway process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kaito_gateway_requests",
            "Requests answered, by route and HTTP status",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kaito_gateway_request_duration_seconds",
            "From the request's headers to the answer's last byte",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._first_token = Histogram(
            "kaito_gateway_time_to_first_token_seconds",
            "From the request's headers to the first text of a streamed answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "kaito_gateway_tokens",
            "Tokens as counted by the model-server, by model and kind",
            ["model", "kind"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "kaito_gateway_in_flight_requests", "Requests being answered", registry=self.registry
        )
        self._upstream_errors = Counter(
            "kaito_gateway_upstream_errors",
            "Calls that a model-server refused or that did not reach it, by gRPC code",
            ["backend", "code"],
            registry=self.registry,
        )
        self._ready = Gauge(
            "kaito_gateway_backend_ready",
            "1 while the model-server can answer, by its last probe",
            ["backend"],
            registry=self.registry,
        )

    def answered(self, exchange: Exchange, seconds: float) -> None:
        """Counts a finished request."""
        self._requests.labels(exchange.route, str(exchange.status)).inc()
        self._seconds.labels(exchange.route).observe(seconds)
        facts = exchange.facts
        if facts.first_token_seconds is not None:
            self._first_token.labels(exchange.route).observe(facts.first_token_seconds)
        if facts.completion_tokens or facts.prompt_tokens:
            self._tokens.labels(facts.model, "prompt").inc(facts.prompt_tokens)
            self._tokens.labels(facts.model, "completion").inc(facts.completion_tokens)

    def upstream_failed(self, backend: str, code: str) -> None:
        self._upstream_errors.labels(backend, code).inc()

    def backend_ready(self, backend: str, ready: bool) -> None:
        self._ready.labels(backend).set(ready)

    def backend_gone(self, backend: str) -> None:
        """Forgets a model-server that was taken out of the list."""
        self._ready.remove(backend)
