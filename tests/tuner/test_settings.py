"""Reading the settings from the environment."""

from pathlib import Path

import pytest

from kaito_process.environment import SettingError
from tuner.processes.node import Node
from tuner.settings import Method, Settings


def test_empty_environment_means_the_paths_of_the_pod() -> None:
    settings = Settings.from_env({})
    assert settings.name == "default/local"
    assert settings.method is Method.LORA
    assert settings.model_path == Path("/mnt/model")
    assert settings.grpc_port == 29500
    assert settings.insecure_registries == frozenset()
    assert not settings.allow_private_data_hosts


def test_every_setting_is_read() -> None:
    settings = Settings.from_env(
        {
            "KAITO_WORKSPACE": "ws",
            "KAITO_NAMESPACE": "team",
            "KAITO_METHOD": "QLoRA",
            "KAITO_DATA_URLS": '["https://a/b.parquet"]',
            "KAITO_INSECURE_REGISTRIES": "10.0.0.1:5000, other",
            "KAITO_ALLOW_PRIVATE_DATA_HOSTS": "true",
            "DEFAULT_TARGET_MODULES": "q_proj,v_proj",
        }
    )
    assert settings.name == "team/ws"
    assert settings.method is Method.QLORA
    assert settings.data_urls == ("https://a/b.parquet",)
    assert settings.insecure_registries == {"10.0.0.1:5000", "other"}
    assert settings.allow_private_data_hosts
    assert settings.target_modules == ("q_proj", "v_proj")


NODES = {"KAITO_NODES": "3", "KAITO_NODE_RANK": "1", "KAITO_RENDEZVOUS": "ws-0.ws"}


def test_a_node_that_trains_with_others() -> None:
    settings = Settings.from_env(
        {**NODES, "KAITO_PROCESSES": "2", "KAITO_NODE_RESULTS_DIR": "/mnt/node"}
    )
    assert settings.node == Node(number=1, count=3, processes=2, host="ws-0.ws", port=29400)
    assert settings.results_dir == Path("/mnt/node")
    assert settings.node.size == 6


def test_the_first_node_has_the_results_on_the_volume() -> None:
    first = {**NODES, "KAITO_NODE_RANK": "0", "KAITO_NODE_RESULTS_DIR": "/mnt/node"}
    assert Settings.from_env(first).results_dir == Path("/mnt/results")
    assert Settings.from_env({"KAITO_NODES": "1"}).node is None


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("KAITO_NODES", "0", "set a whole number from 1 to 1000"),
        ("KAITO_NODE_RANK", "3", "set a whole number from 0 to 2"),
        ("KAITO_NODE_RANK", "", "set a whole number from 0 to 2"),
        ("KAITO_RENDEZVOUS", "", "set where the first node is reached, such as ws-0.ws:29400"),
        ("KAITO_RENDEZVOUS", "ws-0:http", "set where the first node is reached"),
    ],
)
def test_nodes_that_could_not_meet_are_refused(variable: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingError, match=remedy):
        Settings.from_env({**NODES, variable: value})


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("KAITO_METHOD", "full", "set one of lora, qlora"),
        ("KAITO_DATA_URLS", "https://a", "set a JSON list"),
        ("KAITO_DATA_URLS", "[1]", "set a JSON list of strings"),
        ("KAITO_GRPC_PORT", "70000", "set a whole number from 0 to 65535"),
        ("KAITO_GRPC_PORT", "http", "set a whole number"),
        ("KAITO_ALLOW_PRIVATE_DATA_HOSTS", "maybe", "set true or false"),
        ("KAITO_MAX_DATA_BYTES", "0", "set a whole number from 1"),
        ("KAITO_CHECKPOINT_SECONDS", "nan", "set a number of seconds"),
        ("KAITO_WORKSPACE", " ", "set a value that is not blank"),
    ],
    ids=lambda value: value if value.startswith("KAITO") else repr(value[:12]),
)
def test_error_names_variable_value_and_remedy(variable: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(("text", "price"), [("", None), ("3.673", 3.673), ("0", 0.0)])
def test_price_of_the_node(text: str, price: float | None) -> None:
    assert Settings.from_env({"KAITO_NODE_HOURLY_PRICE": text}).node_hourly_price == price


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "three", "$3"])
def test_price_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="set a number of US dollars, at least 0"):
        Settings.from_env({"KAITO_NODE_HOURLY_PRICE": text})


@pytest.mark.parametrize(
    ("text", "parameters"), [("", None), ("0", None), ("7000000000", 7 * 10**9)]
)
def test_parameters_of_the_model(text: str, parameters: int | None) -> None:
    assert Settings.from_env({"KAITO_MODEL_PARAMETERS": text}).model_parameters == parameters
