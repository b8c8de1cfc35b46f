"""The settings, and errors that name variable, value and remedy."""

import re
from pathlib import Path

import pytest

from kaito_process.environment import SettingError
from model_server.settings import Settings

NAME = {"KAITO_MODEL_NAME": "phi-3-mini-4k-instruct"}


def test_defaults() -> None:
    settings = Settings.from_env(NAME)
    assert settings.model_path == Path("/mnt/model")
    assert (settings.grpc_port, settings.metrics_port) == (29500, 9400)
    assert (settings.engine, settings.dtype) == ("auto", "auto")
    assert settings.max_model_len is None
    assert settings.default_adapter is None
    assert not settings.trust_remote_code


def test_adapter_strengths_are_json() -> None:
    settings = Settings.from_env(NAME | {"KAITO_ADAPTER_STRENGTHS": '{"style": 0.5}'})
    assert settings.adapter_strengths == {"style": 0.5}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAITO_MODEL_NAME", ""),
        ("KAITO_ENGINE", "magic"),
        ("KAITO_DTYPE", "int3"),
        ("KAITO_MAX_MODEL_LEN", "-1"),
        ("KAITO_GRPC_PORT", "70000"),
        ("KAITO_ADAPTER_STRENGTHS", "[1]"),
        ("KAITO_ADAPTER_STRENGTHS", '{"style": 1.5}'),
        ("KAITO_ADAPTER_STRENGTHS", "{"),
        ("KAITO_DRAIN_SECONDS", "inf"),
        ("KAITO_TRUST_REMOTE_CODE", "maybe"),
    ],
)
def test_errors_name_variable_value_and_remedy(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env(NAME | {variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "set " in str(caught.value)


def test_a_token_in_place_of_its_digest_is_not_shown() -> None:
    with pytest.raises(SettingError, match="KAITO_ADMINISTRATION_TOKEN_SHA256") as caught:
        Settings.from_env(NAME | {"KAITO_ADMINISTRATION_TOKEN_SHA256": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_model_name_is_required() -> None:
    with pytest.raises(SettingError, match="KAITO_MODEL_NAME is not set"):
        Settings.from_env({})


def test_documentation_lists_every_variable() -> None:
    root = Path(__file__).parents[2]
    source = (root / "services/model-server/model_server/settings.py").read_text()
    documented = set(re.findall(r"`(KAITO_\w+)`", (root / "docs/serving.md").read_text()))
    # kaito_process.cpu reads this one.
    assert documented == set(re.findall(r'"(KAITO_\w+)"', source)) | {"KAITO_CPU_BFLOAT16"}
