"""What the response to a picked request says about its model-server. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inference_gateway.endpoints.outliers import BROKEN_ENGINE_STATUSES, Call
from inference_gateway.request_context import RequestLog


@dataclass(slots=True)
class TrackedResponse:
    """`on_message` is called for each part of an event stream."""

    call: Call
    log: RequestLog
    on_message: Callable[[], None]
    clock: Callable[[], float]
    is_event_stream: bool = False
    _started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_at = self.clock()

    def begin(self, headers: Mapping[str, str]) -> None:
        """The response's headers, with its `:status`."""
        self.call.failed = headers.get(":status", "") in map(str, BROKEN_ENGINE_STATUSES)
        self.is_event_stream = headers.get("content-type", "").startswith("text/event-stream")

    def add(self, body: bytes) -> None:
        """A part of the response's body."""
        if body and self.is_event_stream:
            self.on_message()
            if self.log.first_token_seconds is None:
                self.log.first_token_seconds = self.clock() - self._started_at
