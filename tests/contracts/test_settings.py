"""Chart and code agree: every variable that a service reads is one that its chart sets, and
the other way round."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from gpu_provisioner.settings import Settings as Provisioner
from inference_gateway.settings import Settings as Gateway
from tests.charts.render import find, render
from workspace_controller.settings import Settings as Controller


class Recording(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values_, self.read = values, set[str]()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self.values_[name]

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.read.add(name)
        return self.values_.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


# Read by the gateway beside a model, where the controller sets them, and not by the front door.
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
def test_the_chart_sets_what_the_service_reads(service: str) -> None:
    from_env, elsewhere = CASES[service]
    environment = Recording(_environment(service))
    from_env(environment)
    assert environment.read - elsewhere == set(environment)


@pytest.mark.parametrize("service", CASES)
def test_a_wrong_value_is_refused_by_its_variable(service: str) -> None:
    from_env, _ = CASES[service]
    environment = {**_environment(service), "KAITO_HTTP_PORT": "many"}
    with pytest.raises(Exception, match=r"KAITO_HTTP_PORT.*many"):
        from_env(environment)
