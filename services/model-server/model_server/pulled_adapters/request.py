"""The request of SetPulledAdapters as this package's own types. Pure."""

from kaito.inference.v1 import inference_pb2 as pb
from kaito_registry.credentials import Credentials
from model_server.adapters.registry import check_name
from model_server.errors import InvalidRequest
from model_server.pulled_adapters.wanted import (
    RegistryAccess,
    Verification,
    WantedAdapter,
    WantedList,
)

# More than any server loads.
_MAX_ADAPTERS = 64


def parse_wanted(request: pb.SetPulledAdaptersRequest) -> WantedList:
    """The list.

    Raises:
        InvalidRequest: an entry is out of bounds.
    """
    if len(request.adapters) > _MAX_ADAPTERS:
        count = f"{len(request.adapters)} adapters"
        raise InvalidRequest("adapters", count, f"send at most {_MAX_ADAPTERS}")
    adapters = tuple(_parse(index, each) for index, each in enumerate(request.adapters))
    names = set[str]()
    for index, each in enumerate(adapters):
        if each.name in names:
            raise InvalidRequest(f"adapters[{index}].name", each.name, "occurs twice")
        names.add(each.name)
    return WantedList(adapters=adapters, revision=request.revision)


def _parse(index: int, message: pb.WantedAdapter) -> WantedAdapter:
    field = f"adapters[{index}]"
    strength = message.strength if message.HasField("strength") else 1.0
    check_name(message.name, strength, field=f"{field}.")
    access = message.access
    return WantedAdapter(
        name=message.name,
        image=message.image,
        strength=strength,
        access=RegistryAccess(
            credentials=Credentials(access.username, access.password, access.identity_token),
            ca_certificates=access.ca_certificates,
            plain_http=access.plain_http,
            source=access.source,
        ),
        verification=_verification(message),
    )


def _verification(message: pb.WantedAdapter) -> Verification | None:
    if not message.HasField("verification"):
        return None
    demanded = message.verification
    return Verification(public_keys=demanded.public_keys, source=demanded.source)
