"""One call: its method, the bytes that are sent, and how the client behaves meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message
from hypothesis import strategies as st

from tests.fuzz.grpc_calls.messages import messages_of
from tests.fuzz.grpc_calls.methods import Method
from tests.fuzz.grpc_calls.wire import payloads_of

Metadata = tuple[tuple[str, str | bytes], ...]
# Most clients wait; some give up before the server can have started, some in the middle.
_DEADLINES = (None,) * 8 + (0.0, 0.001, 0.01, 0.05, 0.3)
_ENDLESS_DEADLINES = (0.001, 0.01, 0.1)
_CANCELS = (None,) * 8 + (0.0, 0.002, 0.02, 0.1)


@dataclass(frozen=True, slots=True)
class Call:
    """`payloads` has one element unless the method streams its requests.

    The client leaves after `deadline_seconds`, by gRPC's deadline, or after `cancel_seconds`.
    """

    method: Method
    payloads: tuple[bytes, ...]
    metadata: Metadata = ()
    deadline_seconds: float | None = None
    cancel_seconds: float | None = None

    @property
    def client_leaves(self) -> bool:
        return self.deadline_seconds is not None or self.cancel_seconds is not None

    @property
    def requests(self) -> tuple[Message | None, ...]:
        """The messages that a server reads; None for bytes that hold none."""
        return tuple(_parse(self.method, payload) for payload in self.payloads)

    def lines(self) -> list[str]:
        """The call, so that it can be made again."""
        about = {"deadline": self.deadline_seconds, "cancel": self.cancel_seconds}
        shown = [f"{name} {value:g} s" for name, value in about.items() if value is not None]
        lines = [" ".join([self.method.path, *shown])]
        if self.metadata:
            lines.append(f"  metadata {self.metadata!r}")
        for payload, request in zip(self.payloads, self.requests, strict=True):
            text = "undecodable" if request is None else " ".join(str(request).split())
            lines.append(f"  {_short(text)}")
            lines.append(f"  hex {_short(payload.hex(), 600)}")
        return lines


def calls_of(
    methods: Sequence[Method], metadata: st.SearchStrategy[Metadata]
) -> st.SearchStrategy[Call]:
    """Calls of any of these methods."""
    return st.one_of([_calls(method, metadata) for method in methods])


def _calls(method: Method, metadata: st.SearchStrategy[Metadata]) -> st.SearchStrategy[Call]:
    serialized = messages_of(method.request.DESCRIPTOR).map(
        lambda message: message.SerializeToString()
    )
    payloads = payloads_of(serialized)
    count = (0, 4) if method.client_streams else (1, 1)
    return st.builds(
        Call,
        method=st.just(method),
        payloads=st.lists(payloads, min_size=count[0], max_size=count[1]).map(tuple),
        metadata=metadata,
        deadline_seconds=st.sampled_from(_ENDLESS_DEADLINES if method.is_endless else _DEADLINES),
        cancel_seconds=st.sampled_from(_CANCELS),
    )


def _parse(method: Method, payload: bytes) -> Message | None:
    try:
        return method.request.FromString(payload)
    except DecodeError:
        return None


def _short(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
