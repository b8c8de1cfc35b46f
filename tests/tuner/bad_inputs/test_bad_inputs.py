"""What a user gets wrong ends with a message, before a model is loaded, and leaves nothing."""

from pathlib import Path

import pytest

from kaito_registry.fake import FakeRegistry
from tests.tuner.bad_inputs.bad_configurations import BAD_CONFIGURATIONS
from tests.tuner.bad_inputs.bad_input import DataInput, RegistryInput
from tests.tuner.bad_inputs.bad_registries import BAD_REGISTRIES
from tests.tuner.bad_inputs.refusal import DATA_INPUTS, Refusal, fetch_bad, push_bad


def _title(given: DataInput | RegistryInput) -> str:
    return given.title


def _check(refusal: Refusal, given: DataInput | RegistryInput) -> None:
    assert refusal.error.reason is given.reason, refusal.message
    assert not [text for text in given.says if text not in refusal.message], refusal.message
    # What is wrong, and after a semicolon what to do about it.
    assert ";" in refusal.message


@pytest.mark.parametrize("given", DATA_INPUTS, ids=_title)
def test_bad_data_and_configurations_are_refused(given: DataInput, tmp_path: Path) -> None:
    _check(fetch_bad(given, tmp_path), given)


@pytest.mark.parametrize("given", BAD_CONFIGURATIONS, ids=_title)
def test_bad_configuration_is_refused_before_data_is_fetched(
    given: DataInput, tmp_path: Path
) -> None:
    fetch_bad(given, tmp_path)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", BAD_REGISTRIES, ids=_title)
def test_refused_push_leaves_no_image(given: RegistryInput, tmp_path: Path) -> None:
    refusal, registry = push_bad(given, tmp_path)
    _check(refusal, given)
    untouched = FakeRegistry()
    given.prepare(untouched)
    assert registry.manifests == untouched.manifests


def test_there_are_forty() -> None:
    assert len(DATA_INPUTS) + len(BAD_REGISTRIES) >= 40
