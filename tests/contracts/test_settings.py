"""Charts and services agree: a chart sets exactly the variables that its service reads."""

from collections.abc import Callable, Mapping

import pytest

from gpu_provisioner.settings import Settings as Provisioner
from inference_gateway.settings import Settings as Gateway
from tests.charts.render import find, render
from tests.recording_environment import RecordingEnvironment
from workspace_controller.settings import Settings as Controller

# The controller sets these for the gateway in a model's pod; the front door does not need them.
_IN_POD = {"KAITO_BACKEND", "KAITO_NAMESPACE", "KAITO_WORKSPACE"}

CASES: dict[str, tuple[Callable[[Mapping[str, str]], object], set[str]]] = {
    "workspace-controller": (Controller.from_env, set()),
    "gpu-provisioner": (Provisioner.from_env, set()),
    "inference-gateway": (Gateway.from_env, _IN_POD),
}


def _environment(service: str) -> dict[str, str]:
    deployment = find(render(), "Deployment", f"kaito-{service}")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value", "from-field") for entry in container["env"]}


@pytest.mark.parametrize("service", CASES)
def test_chart_sets_the_variables_that_the_service_reads(service: str) -> None:
    from_env, elsewhere = CASES[service]
    environment = RecordingEnvironment(_environment(service))
    from_env(environment)
    assert environment.names_read - elsewhere == set(environment)


@pytest.mark.parametrize("service", CASES)
def test_invalid_value_names_its_variable(service: str) -> None:
    from_env, _ = CASES[service]
    environment = {**_environment(service), "KAITO_HTTP_PORT": "many"}
    with pytest.raises(Exception, match=r"KAITO_HTTP_PORT.*many"):
        from_env(environment)
