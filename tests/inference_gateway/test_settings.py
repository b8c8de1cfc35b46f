"""Settings from the environment."""

import re
from pathlib import Path

import pytest

from inference_gateway.settings import Limits, Settings
from kaito_process.environment import SettingError

POD = {"KAITO_BACKEND": "localhost:29500"}


def test_defaults() -> None:
    settings = Settings.from_env(POD)
    assert (settings.host, settings.port, settings.backend) == ("0.0.0.0", 5000, "localhost:29500")
    assert settings.limits == Limits()


def test_front_door_settings() -> None:
    settings = Settings.from_env(
        {"KAITO_BACKENDS_FILE": "/etc/kaito/backends.yaml", "KAITO_MAX_CONCURRENCY": "7"}
    )
    assert settings.backends_file == Path("/etc/kaito/backends.yaml")
    assert settings.limits.max_concurrency == 7


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "KAITO_BACKEND"),
        (POD | {"KAITO_BACKENDS_FILE": "/x"}, "KAITO_BACKENDS_FILE"),
        ({"KAITO_BACKEND": "http://x:1"}, "KAITO_BACKEND is 'http://x:1'.*localhost:29500"),
        ({"KAITO_BACKEND": "localhost"}, "KAITO_BACKEND is 'localhost'"),
        (POD | {"KAITO_HTTP_PORT": "http"}, "KAITO_HTTP_PORT is 'http'"),
        (POD | {"KAITO_HTTP_PORT": "70000"}, "KAITO_HTTP_PORT is '70000'"),
        (POD | {"KAITO_REQUEST_TIMEOUT_SECONDS": "0"}, "KAITO_REQUEST_TIMEOUT_SECONDS is '0'"),
        (POD | {"KAITO_REQUEST_TIMEOUT_SECONDS": "nan"}, "KAITO_REQUEST_TIMEOUT_SECONDS is 'nan'"),
        (POD | {"KAITO_LOG_LEVEL": "LOUD"}, "KAITO_LOG_LEVEL is 'loud'"),
    ],
    ids="neither both url portless word range zero nan level".split(),
)
def test_wrong_values_name_their_variable(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        Settings.from_env(environ)


def test_documentation_lists_every_variable() -> None:
    root = Path(__file__).parents[2]
    source = (root / "services/inference-gateway/inference_gateway/settings.py").read_text()
    documented = set(re.findall(r"`(KAITO_\w+)`", (root / "docs/http-api.md").read_text()))
    assert documented == set(re.findall(r'"(KAITO_\w+)"', source))


DOOR = {"KAITO_BACKENDS_FILE": "/etc/kaito/backends.yaml"}


def test_a_front_door_reports_to_the_controller() -> None:
    address = "kaito-workspace-controller-demand:9090"
    assert Settings.from_env({**DOOR, "KAITO_DEMAND_ADDRESS": address}).demand_address == address
    assert Settings.from_env(DOOR).demand_address == ""


@pytest.mark.parametrize(
    ("variables", "remedy"),
    [
        ({**DOOR, "KAITO_DEMAND_ADDRESS": "controller"}, "set the host and the port"),
        ({**POD, "KAITO_DEMAND_ADDRESS": "c:9090"}, "set it at a front door only"),
    ],
)
def test_a_wrong_address_of_the_controller_is_refused(
    variables: dict[str, str], remedy: str
) -> None:
    with pytest.raises(SettingError, match=f"KAITO_DEMAND_ADDRESS.*{remedy}"):
        Settings.from_env(variables)
