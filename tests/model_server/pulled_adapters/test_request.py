"""What a list of adapters may hold."""

import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.errors import InvalidRequest
from model_server.pulled_adapters.request import parse_wanted


def request(name: str) -> pb.SetPulledAdaptersRequest:
    return pb.SetPulledAdaptersRequest(adapters=[pb.WantedAdapter(name=name, image="r/a:1")])


@pytest.mark.parametrize("length", [1, 63, 64, 253])
def test_a_name_that_a_workspace_may_give_is_taken(length: int) -> None:
    """Otherwise one such adapter would have the whole list refused."""
    assert parse_wanted(request("a" * length)).adapters[0].name == "a" * length


def test_a_longer_name_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidRequest, match=r"adapters\[0\].name = .*: use 1 to 253 characters"):
        parse_wanted(request("a" * 254))
