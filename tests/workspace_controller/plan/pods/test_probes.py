"""What the probes of a pod's containers say."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from workspace_controller.plan.pods.probes import (
    has_unprobed_restart,
    killing_probe,
    unready_reason,
)

HTTP = {"httpGet": {"port": 8000, "path": "/health"}}
RUNS: Manifest = {"running": {}}


def pod(spec: Manifest, **status: Any) -> Manifest:
    return {
        "spec": {"containers": [{"name": "own", **spec}]},
        "status": {"containerStatuses": [{"name": "own", **status}]},
    }


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        (
            {"readinessProbe": HTTP},
            {"state": RUNS, "ready": False},
            "readiness probe (GET :8000/he",
        ),
        ({"readinessProbe": HTTP}, {"state": RUNS, "ready": True}, ""),
        ({"readinessProbe": HTTP}, {"state": {"waiting": {}}, "ready": False}, ""),
        ({}, {"state": RUNS, "ready": False}, ""),
        (
            {"startupProbe": {"tcpSocket": {"port": "http"}}, "readinessProbe": HTTP},
            {"state": RUNS, "ready": False, "started": False},
            "startup probe (TCP :http)",
        ),
        (
            {"readinessProbe": {"exec": {"command": ["cat", "/tmp/ready"]}}},
            {"state": RUNS},
            "readiness probe (cat /tmp/ready)",
        ),
        ({"readinessProbe": {"grpc": {"port": 29500}}}, {"state": RUNS}, "probe (gRPC :29500)"),
    ],
    ids=["fails", "passes", "does not run", "no probe", "startup first", "command", "gRPC"],
)
def test_probe_that_a_container_does_not_pass_is_named(
    spec: Manifest, status: Manifest, expected: str
) -> None:
    found = unready_reason(pod(spec, **status))
    assert expected in found and bool(found) is bool(expected)


def test_probe_that_a_sidecar_does_not_pass_is_named() -> None:
    found = {
        "spec": {"initContainers": [{"name": "own", "startupProbe": HTTP}], "containers": []},
        "status": {"initContainerStatuses": [{"name": "own", "state": RUNS, "started": False}]},
    }
    assert "startup probe (GET :8000/health)" in unready_reason(found)


@pytest.mark.parametrize(
    ("spec", "terminated", "expected"),
    [
        ({"livenessProbe": HTTP}, {"exitCode": 137}, "its liveness probe (GET :8000/health) may"),
        ({"startupProbe": HTTP}, {"exitCode": 143}, "its startup probe (GET :8000/health) may"),
        ({"livenessProbe": HTTP}, {"exitCode": 137, "reason": "OOMKilled"}, ""),
        ({"livenessProbe": HTTP}, {"exitCode": 1}, ""),
        ({}, {"exitCode": 137}, ""),
    ],
    ids=["killed", "ended", "out of memory", "failed by itself", "no probe"],
)
def test_probe_that_may_have_ended_a_container_is_named(
    spec: Manifest, terminated: Manifest, expected: str
) -> None:
    found = killing_probe(pod(spec, state=RUNS, lastState={"terminated": terminated}))
    assert found.startswith(expected) and bool(found) is bool(expected)


@pytest.mark.parametrize(
    ("spec", "last", "expected"),
    [
        ({}, {"terminated": {"exitCode": 0}}, True),
        ({"readinessProbe": HTTP}, {"terminated": {"exitCode": 0}}, False),
        ({}, {}, False),
    ],
)
def test_restart_without_a_readiness_probe_proves_nothing(
    spec: Manifest, last: Manifest, expected: bool
) -> None:
    assert has_unprobed_restart(pod(spec, state=RUNS, lastState=last)) is expected
