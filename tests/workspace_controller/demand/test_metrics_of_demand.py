"""The sums at /metrics."""

from prometheus_client import CollectorRegistry, generate_latest

from workspace_controller.demand.counters import Counters
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.metrics import DemandCollector
from workspace_controller.demand.report import Report


def test_sums_are_exported_by_model() -> None:
    current, registry = CurrentDemand(), CollectorRegistry()
    registry.register(DemandCollector(current))
    for uptime, counters in (
        (1.0, Counters()),
        (2.0, Counters(arrived=5, finished=2, held=1, request_seconds=4.5, completion_tokens=70)),
    ):
        models = {"team/phi": counters}
        current.take(
            Report(gateway="a", epoch="1", uptime_seconds=uptime, models=models, first=uptime == 1)
        )
    lines = generate_latest(registry).decode().splitlines()
    own = '{model="phi",namespace="team"}'
    assert f"kaito_model_requests_held{own} 1.0" in lines
    assert f"kaito_model_requests_in_flight{own} 2.0" in lines
    assert f"kaito_model_requests_total{own} 5.0" in lines
    assert f"kaito_model_request_seconds_total{own} 4.5" in lines
    assert f"kaito_model_completion_tokens_total{own} 70.0" in lines
    assert "kaito_front_doors 1.0" in lines
