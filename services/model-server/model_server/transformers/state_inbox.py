"""The states of one request's sequences that its reader has not seen yet."""

import asyncio

from model_server.transformers.output_router import SequenceState


class StateInbox:
    """Keeps the newest state of each choice. A state has all tokens, so it replaces older ones.

    A reader that keeps up sees every token; one that does not gets what waits at once, as one
    message in place of many. Used by one event loop.
    """

    def __init__(self) -> None:
        self._newest: dict[int, SequenceState] = {}
        self._filled = asyncio.Event()

    def put(self, index: int, state: SequenceState) -> None:
        """Add a state of choice number `index`."""
        self._newest[index] = state
        self._filled.set()

    async def get(self) -> tuple[int, SequenceState]:
        """The choice and its newest state. The choice that has waited longest comes first."""
        await self._filled.wait()
        index = next(iter(self._newest))
        state = self._newest.pop(index)
        if not self._newest:
            self._filled.clear()
        return index, state
