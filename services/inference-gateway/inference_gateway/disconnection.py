"""Ends the work for a client that has left, without a task that waits for it to leave."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

# The server's ASGI extension: a function that takes what to call when the connection is lost, or
# None. A task for each request that waits in ASGI's `receive` would be a third of its memory.
CALL_ON_DISCONNECT = "kaito.call_on_disconnect"


class ClientDisconnected(Exception):
    """The client closed the connection before its response was complete."""


class CancelOnDisconnect:
    """Cancels the body of the context as soon as the client disconnects.

    A disconnect after the complete response is none; `is_finished` says that it is.

    Raises:
        ClientDisconnected: the client closed the connection.
    """

    __slots__ = ("_call_on_disconnect", "_is_disconnected", "_is_finished", "_task")

    def __init__(self, scope: Mapping[str, Any], is_finished: Callable[[], bool]) -> None:
        self._call_on_disconnect = scope["extensions"][CALL_ON_DISCONNECT]
        self._is_finished = is_finished
        self._is_disconnected = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._call_on_disconnect(self._cancel)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call_on_disconnect(None)
        if self._is_disconnected and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise ClientDisconnected from None

    def _cancel(self) -> None:
        if not self._is_finished():
            self._is_disconnected = True
            self._task.cancel()
