"""A model of the hub survives a restart in the status of its Workspace."""

from typing import Any

import pytest

from kaito_presets.hub.facts import read_model
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.stored import from_status, to_status
from tests.kaito_presets.hub.repositories import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_model_is_the_same_after_it_was_stored(name: str) -> None:
    model = read_model(PRESETS[name])
    assert isinstance(model, HubModel)
    status = to_status(model).model_dump(by_alias=True, exclude_none=True, mode="json")
    assert from_status(status) == model


@pytest.mark.parametrize(
    "document",
    [None, {}, {"name": "org/m"}, {"weights": "many"}],
    ids=["none", "empty", "incomplete", "unreadable"],
)
def test_a_status_without_a_model_has_none(document: dict[str, Any] | None) -> None:
    assert from_status(document) is None


@pytest.mark.parametrize(
    "change",
    [{"weights": "many"}, {"weights": "1e999Gi"}, {"dtype": "int3"}, {"engines": ["tgi"]}],
)
def test_a_status_that_was_edited_is_looked_up_again(change: dict[str, Any]) -> None:
    model = read_model(next(iter(PRESETS.values())))
    assert isinstance(model, HubModel)
    status = to_status(model).model_dump(by_alias=True, exclude_none=True, mode="json")
    assert from_status({**status, **change}) is None
