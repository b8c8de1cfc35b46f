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
