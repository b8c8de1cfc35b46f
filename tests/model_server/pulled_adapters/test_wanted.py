"""The list of adapters, as it is stored and as it is logged."""

import pytest

from kaito_registry.credentials import Credentials
from model_server.pulled_adapters.wanted import RegistryAccess, WantedAdapter, WantedList

ACCESS = RegistryAccess(
    credentials=Credentials("user", "hunter2", "refresh"), ca_certificates="PEM", source="Secret s"
)
ADAPTER = WantedAdapter(name="a", image="r.io/a:1", strength=0.5, access=ACCESS)


def test_stored_list_has_everything_but_what_opens_the_registry() -> None:
    text = WantedList(adapters=(ADAPTER,), revision="r1").to_json()
    assert not any(secret in text for secret in ("user", "hunter2", "refresh", "PEM"))
    stored = WantedAdapter(name="a", image="r.io/a:1", strength=0.5)
    assert WantedList.from_json(text) == WantedList(adapters=(stored,), revision="r1")


def test_repr_does_not_show_what_opens_the_registry() -> None:
    assert not any(secret in repr(ADAPTER) for secret in ("hunter2", "refresh", "PEM"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"revision": "", "adapters": [{}]}'])
def test_damaged_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        WantedList.from_json(text)
