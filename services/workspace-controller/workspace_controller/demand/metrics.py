"""The sums as Prometheus metrics, for a HorizontalPodAutoscaler and for dashboards."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from workspace_controller.demand.counters import Counters
from workspace_controller.demand.current_demand import CurrentDemand

_LABELS = ("namespace", "model")
_GAUGES = {
    "kaito_model_requests_held": "Requests at the front doors that wait for a replica.",
    "kaito_model_requests_in_flight": "Requests of the front doors that a replica is answering.",
}
_COUNTERS = {
    "kaito_model_requests": ("Requests at the front doors.", "arrived"),
    "kaito_model_request_seconds": (
        "Seconds of all requests; the rate is the mean number at once.",
        "request_seconds",
    ),
    "kaito_model_prompt_tokens": ("Tokens of prompts.", "prompt_tokens"),
    "kaito_model_completion_tokens": ("New tokens.", "completion_tokens"),
    "kaito_model_first_tokens": (
        "Requests whose time to the first token is known.",
        "first_tokens",
    ),
    "kaito_model_first_token_seconds": (
        "Their times to the first token.",
        "first_token_seconds",
    ),
}


class DemandCollector(Collector):
    """Each replica of the controller has the same sums: do not add them up."""

    def __init__(self, current: CurrentDemand) -> None:
        self._current = current

    def collect(self) -> Iterator[Metric]:
        demand = self._current.sums()
        gauges = {
            name: GaugeMetricFamily(name, text, labels=_LABELS) for name, text in _GAUGES.items()
        }
        counters = {
            name: CounterMetricFamily(name, text, labels=_LABELS)
            for name, (text, _) in _COUNTERS.items()
        }
        for model in demand.models():
            own = model.split("/", 1)
            gauges["kaito_model_requests_held"].add_metric(own, demand.held(model))
            gauges["kaito_model_requests_in_flight"].add_metric(own, demand.in_flight(model))
            total = demand.totals.get(model, Counters())
            for name, (_, field) in _COUNTERS.items():
                counters[name].add_metric(own, getattr(total, field))
        yield GaugeMetricFamily(
            "kaito_front_doors",
            "Front doors that report their requests to this replica.",
            value=len(demand.gateways),
        )
        yield from gauges.values()
        yield from counters.values()
