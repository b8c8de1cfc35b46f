"""The settings of keys, and what an operator reads of a wrong one."""

from pathlib import Path

import pytest

from inference_gateway.keys.key_settings import KeySettings
from inference_gateway.keys.keys_folder import KeysFolder
from kaito_process.environment import Environment, SettingError
from tests.inference_gateway.keys.keyed import issue


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://:p%2Fss@host:6379/0",
        "rediss://user:s3cret@[::1]:6380",
        "unix:///run/valkey.sock",
    ],
)
def test_an_address_of_the_store_is_taken_as_it_is(url: str) -> None:
    found = KeySettings.from_env(
        Environment({"KAITO_KEYS_FOLDER": "/k", "KAITO_KEY_STORE_URL": url})
    )
    assert found is not None
    assert found.store_url == url


@pytest.mark.parametrize("url", ["redis://:s3cret/more@host:6379", "s3cret", "redis://h:s3cret"])
def test_a_wrong_address_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        KeySettings.from_env(Environment({"KAITO_KEYS_FOLDER": "/k", "KAITO_KEY_STORE_URL": url}))
    assert "KAITO_KEY_STORE_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("price", ["1e999999", "-1", "NaN", "sNaN", "0.0000001", "true"])
def test_a_wrong_price_is_named(tmp_path: Path, price: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(f"models: {{phi: {{input: {price}, output: 1}}}}")
    with pytest.raises(SettingError, match=r"models\.phi\.input="):
        KeySettings.from_env(Environment({"KAITO_PRICES_FILE": str(file)}))


def test_keys_that_could_not_be_read_once_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = issue(tmp_path)
    folder = KeysFolder(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("out of file descriptors")

    with monkeypatch.context() as patch:
        patch.setattr("inference_gateway.keys.keys_folder._read", fail)
        with pytest.raises(RuntimeError):
            folder.read_if_changed()
    ring = folder.read_if_changed()
    assert ring is not None
    assert key.id in ring.policies
