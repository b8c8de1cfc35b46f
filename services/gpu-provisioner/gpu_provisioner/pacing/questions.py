"""Questions about single pools, gathered: those of one moment are answered by one listing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from gpu_provisioner.cloud import Pool, PoolListing, PoolNotFound

_Answers = list[tuple[str, asyncio.Future[Pool]]]


@dataclass(slots=True)
class Questions:
    """Asks the cloud `gather_seconds` after the first question: for one pool by `ask_one`,
    for several by `ask_all`. An answer is never older than its question."""

    ask_one: Callable[[str], Awaitable[Pool]]
    ask_all: Callable[[], Awaitable[PoolListing]]
    gather_seconds: float
    _waiting: _Answers = field(default_factory=list)
    _gathering: asyncio.Task[None] | None = None

    async def ask(self, name: str) -> Pool:
        """The pool now. Raises PoolNotFound, or what the cloud raises."""
        answer: asyncio.Future[Pool] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, answer))
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gather())
        return await answer

    async def _gather(self) -> None:
        await asyncio.sleep(self.gather_seconds)
        asked, self._waiting, self._gathering = self._waiting, [], None
        try:
            pools = await self._pools({name for name, _ in asked})
        except Exception as error:
            for _, answer in asked:
                _tell(answer, error)
            return
        for name, answer in asked:
            _tell(answer, pools.get(name) or PoolNotFound(name))

    async def _pools(self, names: set[str]) -> Mapping[str, Pool]:
        if len(names) > 1:
            return {pool.name: pool for pool in (await self.ask_all()).pools}
        try:
            return {name: await self.ask_one(name) for name in names}
        except PoolNotFound:
            return {}


def _tell(answer: asyncio.Future[Pool], word: Pool | Exception) -> None:
    """Who stopped waiting is not told."""
    with contextlib.suppress(asyncio.InvalidStateError):
        if isinstance(word, Pool):
            answer.set_result(word)
        else:
            answer.set_exception(word)
