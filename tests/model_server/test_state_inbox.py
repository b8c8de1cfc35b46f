"""A reader that is slow gets what waits at once, and loses nothing."""

import asyncio

from model_server.transformers.output_router import SequenceState
from model_server.transformers.state_inbox import StateInbox


def _state(*tokens: int, finished: bool = False) -> SequenceState:
    return SequenceState(tokens=tokens, finished=finished, queued_seconds=0.0, error=None)


async def test_the_newest_state_of_a_choice_replaces_those_that_wait() -> None:
    inbox = StateInbox()
    for state in (_state(1), _state(1, 2), _state(1, 2, 3, finished=True)):
        inbox.put(0, state)
    assert await inbox.get() == (0, _state(1, 2, 3, finished=True))


async def test_choices_take_turns() -> None:
    inbox = StateInbox()
    inbox.put(0, _state(1))
    inbox.put(1, _state(5))
    inbox.put(0, _state(1, 2))
    assert [await inbox.get(), await inbox.get()] == [(0, _state(1, 2)), (1, _state(5))]


async def test_a_reader_waits_for_the_next_state() -> None:
    inbox = StateInbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not reading.done()
    inbox.put(3, _state(9))
    assert await reading == (3, _state(9))
