"""The calls of one connection, by their streams."""

import asyncio

from inference_gateway.backends.http2.call import Call
from inference_gateway.backends.http2.frames import MAX_STREAM_ID
from inference_gateway.backends.http2.status import CallError


class OpenCalls:
    """`max_calls` is how many the server takes at a time."""

    def __init__(self) -> None:
        self.max_calls = MAX_STREAM_ID
        self._calls: dict[int, Call] = {}
        self._change: asyncio.Future[None] | None = None
        self.get = self._calls.get

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def has_room(self) -> bool:
        return len(self._calls) < self.max_calls

    def add(self, stream_id: int, call: Call) -> None:
        self._calls[stream_id] = call

    def remove(self, stream_id: int) -> Call | None:
        """The call of this stream, which has ended."""
        call = self._calls.pop(stream_id, None)
        self.report_change()
        return call

    def fail(self, error: CallError, after_stream_id: int = 0) -> None:
        """Ends all calls, or those that started after that of one stream."""
        for stream_id in [each for each in self._calls if each > after_stream_id]:
            # Its own error for each: one that is raised in many places collects their tracebacks.
            own = CallError(error.code, error.message, may_have_started=error.may_have_started)
            self._calls.pop(stream_id).on_end(own)
        self.report_change()

    async def wait_for_change(self) -> None:
        """Returns when a call has ended, or whatever else decides whether there is room."""
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._change)

    def report_change(self) -> None:
        if self._change is not None:
            self._change.set_result(None)
            self._change = None
