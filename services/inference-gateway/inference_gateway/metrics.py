"""The gateway's Prometheus metrics. Every label has a bounded set of values."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from inference_gateway.request_context import RequestContext

# From a health check to the default request time limit.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The metrics of one gateway process, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Of the metrics of every request, the time series of a set of labels is looked up once.
        self._requests = cache(
            Counter(
                "kaito_gateway_requests",
                "Requests answered, by route and HTTP status",
                ["route", "status"],
                registry=self.registry,
            ).labels
        )
        self._seconds = cache(
            Histogram(
                "kaito_gateway_request_duration_seconds",
                "Time from the request's headers to the last byte of the response",
                ["route"],
                buckets=_SECONDS,
                registry=self.registry,
            ).labels
        )
        self._first_token = cache(
            Histogram(
                "kaito_gateway_time_to_first_token_seconds",
                "Time from the request's headers to the first text of a streamed answer",
                ["route"],
                buckets=_SECONDS,
                registry=self.registry,
            ).labels
        )
        self._tokens = cache(
            Counter(
                "kaito_gateway_tokens",
                "Tokens counted by the model-server, by model and kind (prompt or completion)",
                ["model", "kind"],
                registry=self.registry,
            ).labels
        )
        self.in_flight = Gauge(
            "kaito_gateway_in_flight_requests", "Requests in flight", registry=self.registry
        )
        self._upstream_errors = Counter(
            "kaito_gateway_upstream_errors",
            "Failed calls to model-servers, by gRPC status code",
            ["backend", "code"],
            registry=self.registry,
        )
        self._ready = Gauge(
            "kaito_gateway_backend_ready",
            "1 if the model-server was serving at its last probe, else 0",
            ["backend"],
            registry=self.registry,
        )

        self._ejections = Counter(
            "kaito_gateway_backend_ejections",
            "Times that a model-server got no requests for a while, by reason",
            ["backend", "reason"],
            registry=self.registry,
        )

    def record_request(self, context: RequestContext, seconds: float) -> None:
        """Records a finished request."""
        self._requests(context.route, str(context.status)).inc()
        self._seconds(context.route).observe(seconds)
        log = context.log
        if log.first_token_seconds is not None:
            self._first_token(context.route).observe(log.first_token_seconds)
        if log.completion_tokens or log.prompt_tokens:
            self._tokens(log.model, "prompt").inc(log.prompt_tokens)
            self._tokens(log.model, "completion").inc(log.completion_tokens)

    def record_upstream_error(self, backend: str, code: str) -> None:
        self._upstream_errors.labels(backend, code).inc()

    def set_backend_ready(self, backend: str, ready: bool) -> None:
        self._ready.labels(backend).set(ready)

    def record_ejection(self, backend: str, reason: str) -> None:
        self._ejections.labels(backend, reason).inc()

    def remove_backend(self, backend: str) -> None:
        """Drops the time series of a model-server that left the pool."""
        self._ready.remove(backend)
