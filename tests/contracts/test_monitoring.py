"""The dashboard and the alerts name metrics that services have, in PromQL, with runbooks."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from gpu_provisioner.metrics import Metrics as Provisioner
from inference_gateway.metrics import Metrics as Gateway
from kaito_kube.clock import FakeClock
from kaito_kube.feeds import Feeds
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from model_server.engine import SchedulerStats
from model_server.metrics import Metrics as ModelServer
from tests.charts.render import find, render
from workspace_controller.metrics import Metrics as Controller
from workspace_controller.metrics import StoreCollector

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "charts/kaito/files/grafana-dashboard.json").read_text())
GROUPS = yaml.safe_load((ROOT / "charts/kaito/files/alerts.yaml").read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
# Grafana replaces its variables before Prometheus sees them.
VARIABLES = {"$namespace": "team"}


@cache
def labels_by_metric() -> dict[str, frozenset[str]]:
    """Every name that Prometheus stores, from the services' own registries, and its labels."""
    controller, provisioner = CollectorRegistry(), CollectorRegistry()
    Controller(controller)
    controller.register(StoreCollector(Store(), FakeClock(), PriceBook))
    controller.register(Feeds())
    Provisioner(provisioner)
    server = ModelServer(lambda: SchedulerStats(running=0, waiting=0, kv_cache_usage=0.0))
    found: dict[str, frozenset[str]] = {}
    for registry in (controller, provisioner, Gateway().registry, server.registry):
        for collector in list(registry._collector_to_names):
            for family in collector.collect():
                own = _labels_of(collector) or _labels_of(family)
                suffixes = {
                    "counter": ("_total",),
                    "histogram": ("_bucket", "_count", "_sum"),
                }.get(family.type, ("",))
                for suffix in suffixes:
                    more = {"le"} if suffix == "_bucket" else set()
                    found[family.name + suffix] = own | more
    return found


def _labels_of(metric: Any) -> frozenset[str]:
    """prometheus_client keeps them in an attribute of its own, also of families."""
    return frozenset(getattr(metric, "_labelnames", ()))


def selectors(node: Any) -> Iterator[Any]:
    """The vector selectors of an expression, at any depth."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "args", "param", "vector_selector", "selector"):
        child = getattr(node, name, None)
        for each in child if isinstance(child, list) else [child]:
            if isinstance(each, promql_parser.Expr) and each is not node:
                yield from selectors(each)


def groupings(text: str) -> set[str]:
    found = re.findall(r"(?:by|on) \(([^)]*)\)", text)
    return {label.strip() for each in found for label in each.split(",")}


EXPRESSIONS = {f"alert {name}": rule["expr"] for name, rule in ALERTS.items()} | {
    f"panel {title} {target['refId']}": target["expr"]
    for title, panel in PANELS.items()
    for target in panel["targets"]
}


@pytest.mark.parametrize("text", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_every_expression_is_promql_over_metrics_and_labels_that_services_have(text: str) -> None:
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    used = list(selectors(promql_parser.parse(text)))
    assert used
    known = labels_by_metric()
    labels: set[str] = set()
    for selector in used:
        assert selector.name in known, f"no service has {selector.name}"
        labels |= known[selector.name]
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name], (selector.name, matcher.name)
    assert groupings(text) <= labels, groupings(text) - labels


def test_the_check_knows_what_is_wrong() -> None:
    """What it must not let pass."""
    with pytest.raises(ValueError):
        promql_parser.parse("sum(kaito_leaked_pools")
    assert "kaito_no_such_metric" not in labels_by_metric()
    assert labels_by_metric()["kaito_workspace_cost_dollars_total"] == {"namespace", "workspace"}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_runbook_with_steps(name: str) -> None:
    rule = ALERTS[name]
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert (page, anchor) == ("docs/runbooks.md", name.lower())
    section = RUNBOOKS.split(f"## {name}\n")[1].split("\n## ")[0]
    assert "\n1. " in section
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert rule["annotations"]["summary"] and rule["annotations"]["description"]


def test_every_runbook_has_an_alert() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE) == list(ALERTS)


def test_the_chart_creates_nothing_of_it_unless_it_is_asked_to() -> None:
    kinds = {(each["kind"], each["metadata"]["name"]) for each in render()}
    assert not {kind for kind, _ in kinds} & {"PrometheusRule", "ServiceMonitor"}
    assert ("ConfigMap", "kaito-grafana-dashboard") not in kinds


def test_the_chart_carries_dashboard_and_alerts_as_they_are() -> None:
    made = render(
        {
            "grafanaDashboard": {"enabled": True},
            "prometheusRule": {
                "enabled": True,
                "labels": {"release": "prometheus"},
                "runbooks": "https://git.example/kaito/docs/runbooks.md",
            },
            "workspace-controller": {"serviceMonitor": {"enabled": True}},
        }
    )
    config_map = find(made, "ConfigMap", "kaito-grafana-dashboard")
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(config_map["data"]["kaito.json"]) == DASHBOARD
    rule = find(made, "PrometheusRule", "kaito-alerts")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    written = {r["alert"]: r for group in rule["spec"]["groups"] for r in group["rules"]}
    assert {name: each["expr"] for name, each in written.items()} == {
        name: each["expr"] for name, each in ALERTS.items()
    }
    assert written["KaitoLeakedPool"]["annotations"]["runbook_url"] == (
        "https://git.example/kaito/docs/runbooks.md#kaitoleakedpool"
    )
    assert "{{ $labels.reason }}" in written["KaitoClaimFailed"]["annotations"]["description"]
    monitor = find(made, "ServiceMonitor", "kaito-workspace-controller")
    # Otherwise Prometheus renames the label by which all of them group.
    assert monitor["spec"]["endpoints"] == [{"port": "http", "honorLabels": True}]


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells
