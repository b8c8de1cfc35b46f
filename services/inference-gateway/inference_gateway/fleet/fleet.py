"""The model-servers of this gateway, each probed by a task of its own, so that none waits for
another. Knows no HTTP and no file; the list of places is given to it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_gateway.backends.backend import Backend
from inference_gateway.errors import Refused, unknown_model
from inference_gateway.fleet.place import Place
from inference_gateway.fleet.route import Candidate, candidates, names
from inference_gateway.fleet.target import Target

logger = logging.getLogger(__name__)
_PROBE_READY_S = 5.0
_PROBE_UNREADY_S = 1.0


class Readiness(Protocol):
    """Who wants to know whether a model-server is ready, by its label."""

    def backend_ready(self, backend: str, ready: bool) -> None: ...

    def backend_gone(self, backend: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Fleet:
    """`alone` is a gateway in a model's pod: one model-server, asked even when not ready, and
    left to refuse the names that it does not know."""

    connect: Callable[[Place], Backend]
    clock: Callable[[], float]
    readiness: Readiness
    max_in_flight: int
    drain_seconds: float
    alone: bool
    _targets: dict[Place, Target] = field(default_factory=dict)
    _probes: dict[Place, asyncio.Task[None]] = field(default_factory=dict)
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def targets(self) -> Sequence[Target]:
        return tuple(self._targets.values())

    def route(self, name: str, place: str = "") -> Sequence[Candidate]:
        """Those that can answer for `name`, best first; at least one. Raises Refused.

        With a `place` (namespace/workspace), only what is there.
        """
        here = [target for target in self.targets if place in ("", target.place.label)]
        if not here and place:
            raise Refused(unknown_model(place, names(self.targets)))
        if not self.alone:
            return candidates(name, here)
        (target,) = here
        own = ("", target.place.label, target.place.workspace)
        return (Candidate(target, "" if name in own else name),)

    def set_places(self, places: Iterable[Place]) -> None:
        """Makes these the places. What stays keeps its connections; what goes ends its calls."""
        wanted = set(places)
        for place in self._targets.keys() - wanted:
            self._take_out(place)
        for place in sorted(wanted - self._targets.keys()):
            self._put_in(place)

    async def close(self) -> None:
        """Ends probes and connections."""
        for place in list(self._targets):
            self._take_out(place)
        await asyncio.gather(*self._leaving)

    def _put_in(self, place: Place) -> None:
        target = Target(
            place=place,
            backend=self.connect(place),
            clock=self.clock,
            max_in_flight=self.max_in_flight,
        )
        self._targets[place] = target
        self._probes[place] = asyncio.create_task(self._keep_probing(target))
        logger.info("backend added", extra={"backend": place.label, "address": place.address})

    def _take_out(self, place: Place) -> None:
        target = self._targets.pop(place)
        task = asyncio.create_task(self._retire(target, self._probes.pop(place)))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _retire(self, target: Target, probe: asyncio.Task[None]) -> None:
        probe.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await probe
        if not any(target.place.label == other.label for other in self._targets):
            self.readiness.backend_gone(target.place.label)
        logger.info("backend removed", extra={"backend": target.place.label})
        await target.backend.close(self.drain_seconds)

    async def _keep_probing(self, target: Target) -> None:
        known: bool | None = None
        while True:
            await target.probe()
            if target.health.serving is not known:
                known = target.health.serving
                self._announce(target)
            await asyncio.sleep(_PROBE_READY_S if known else _PROBE_UNREADY_S)

    def _announce(self, target: Target) -> None:
        serving = target.health.serving
        self.readiness.backend_ready(target.place.label, serving)
        logger.log(
            logging.INFO if serving else logging.WARNING,
            "backend ready" if serving else "backend not ready",
            extra={"backend": target.place.label, "detail": target.health.detail},
        )
