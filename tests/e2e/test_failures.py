"""What a user reads when something fails, and recovery once the cause is fixed."""

import pytest

from tests.e2e.causes import named_first
from tools.demo.cluster import KaitoCluster
from tools.demo.failures import node_failures, tuning_failures
from tools.demo.failures.runner import row, run_scenario
from tools.demo.failures.scenario import FailureScenario

# A size that could not be had is set aside for minutes before it is requested again.
SLOW = ("SKU not available in the region", "no capacity, reported late")
SCENARIOS = [
    pytest.param(each, id=each.title, marks=[pytest.mark.long] if each.title in SLOW else [])
    for each in (*node_failures.SCENARIOS, *tuning_failures.SCENARIOS)
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_failure_is_reported_and_recovered_from(
    clean: KaitoCluster, scenario: FailureScenario
) -> None:
    observed = run_scenario(clean, scenario)
    print(row(scenario, observed))
    named_first(scenario.title, observed.why, scenario.reason, scenario.message_contains)
    assert observed.status == "False"
    assert observed.nodes == 0 or not scenario.costs_no_node
    assert (observed.recovered_seconds is not None) == (scenario.fix is not None)
