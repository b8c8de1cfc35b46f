"""The servers that are fuzzed over gRPC: every service that they list, and the administration."""

from hypothesis import strategies as st

from kaito_grpc.channels import open_blocking_channel
from tests.fuzz.grpc_calls.call import Metadata
from tests.fuzz.grpc_calls.methods import contract_services, listed_services, methods_of
from tests.fuzz.grpc_fuzzer import Target
from tests.processes.model_server import TOKEN, ModelServer
from tests.processes.tuner import Tuner

_BEARER = ("authorization", f"Bearer {TOKEN}")
_ADMINISTRATION = "AdapterAdministrationService"
_METADATA: tuple[Metadata, ...] = (
    (),
    (_BEARER,),
    (_BEARER,),
    (_BEARER, _BEARER),
    (("authorization", "Bearer wrong"),),
    (("authorization", ""),),
    (("traceparent", "00-zz"), ("x-request-id", "a" * 4000)),
    (("any-bin", b"\x00\xff"), ("grpc-previous-rpc-attempts", "x")),
)


def model_server_target(server: ModelServer) -> Target:
    """All services of a model-server, on both of its ports."""
    with open_blocking_channel(server.address) as channel:
        listed = listed_services(channel)
    administration = [name for name in contract_services() if name.endswith(_ADMINISTRATION)]
    addresses = dict.fromkeys(methods_of(listed), server.address)
    addresses |= dict.fromkeys(methods_of(administration), server.administration)
    return Target(
        name="model-server",
        addresses=addresses,
        metadata=st.sampled_from(_METADATA),
        services=(server.service,),
    )


def tuner_target(tuner: Tuner) -> Target:
    """All services of a tuning pod."""
    with open_blocking_channel(tuner.address) as channel:
        listed = listed_services(channel)
    return Target(
        name="tuner",
        addresses=dict.fromkeys(methods_of(listed), tuner.address),
        metadata=st.sampled_from(_METADATA),
        services=(tuner.service,),
    )
