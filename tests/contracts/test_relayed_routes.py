"""The gateway serves every route that a model-server relays."""

import pytest

from inference_gateway.__main__ import create_application
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.settings import Limits, Settings
from model_server.openai_server.capabilities import RELAYED_ROUTES


@pytest.mark.parametrize("route", RELAYED_ROUTES)
def test_the_gateway_has_the_route(route: str) -> None:
    settings = Settings(backend="127.0.0.1:1", limits=Limits())
    method, _, path = route.partition(" ")
    assert method == "POST"
    assert path in create_application(settings, lambda _: FakeBackend()).formats
