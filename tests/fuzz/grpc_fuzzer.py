"""Makes random gRPC calls, a few at once, in rounds that a seed repeats; shrinks what it finds."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import grpc
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from kaito_grpc.channels import open_channel
from tests.fuzz.grpc_calls.call import Call, Metadata, calls_of
from tests.fuzz.grpc_calls.client import HUNG, Outcome, make_call
from tests.fuzz.grpc_calls.methods import Method
from tests.fuzz.grpc_calls.verdict import problem
from tests.fuzz.tally import Finding, Tally
from tests.processes.service import Service

# Hypothesis repeats a batch until it has found a smaller one with the same problem.
_SHRINK_SECONDS = 40.0
_CALLS_AT_ONCE = 6
BATCHES_A_ROUND = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server: the address of each method, and the processes that must survive."""

    name: str
    addresses: Mapping[Method, str]
    metadata: st.SearchStrategy[Metadata]
    services: Sequence[Service]


class _Found(Exception):
    """A batch with a kind of problem that is new in this run."""


@dataclass(slots=True)
class GrpcFuzzer:
    """One run against one target."""

    target: Target
    tally: Tally
    clock: Callable[[], float] = time.monotonic
    _shrink_until: float | None = None
    _new: set[tuple[str, str]] = field(default_factory=set)

    def run(self, first_seed: int, goes_on: Callable[[int], bool]) -> None:
        """Run rounds while `goes_on(number of rounds so far)`, and the processes live."""
        with asyncio.Runner() as runner:
            channels = runner.run(_open(set(self.target.addresses.values())))
            number = 0
            while goes_on(number) and not self._ended():
                self._round(first_seed + number, runner, channels)
                number += 1
            runner.run(_close(channels))
        if ended := self._ended():
            finding = Finding(ended.name, f"exited with {ended.exit_code}", (ended.log_tail(),))
            self.tally.add(finding)

    def _round(
        self, number: int, runner: asyncio.Runner, channels: Mapping[str, grpc.aio.Channel]
    ) -> None:
        calls = calls_of(tuple(self.target.addresses), self.target.metadata)
        self._shrink_until, self._new = None, set()

        @seed(number)
        @settings(
            max_examples=BATCHES_A_ROUND,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(st.lists(calls, min_size=1, max_size=_CALLS_AT_ONCE))
        def batch(drawn: list[Call]) -> None:
            if self._ended() or self._may_not_shrink():
                return
            outcomes = runner.run(_make(drawn, self.target.addresses, channels))
            self._judge(number, drawn, outcomes)

        # Noted where it was found. What depends on time is not found each time.
        with suppress(_Found, Flaky):
            batch()

    def _judge(self, number: int, calls: Sequence[Call], outcomes: Sequence[Outcome]) -> None:
        for call, outcome in zip(calls, outcomes, strict=True):
            self.tally.counts[call.method.name, outcome.status] += 1
        for call, outcome in zip(calls, outcomes, strict=True):
            if not (wrong := problem(call, outcome)):
                continue
            finding = Finding(call.method.name, wrong, _reproduction(number, call, calls))
            is_new = finding.kind not in self.tally.findings
            self.tally.add(finding)
            if is_new or finding.kind in self._new:
                self._new.add(finding.kind)
                # A call that hangs would hang in every attempt to shrink it.
                shrink_seconds = 0.0 if outcome.status == HUNG else _SHRINK_SECONDS
                self._shrink_until = self._shrink_until or self.clock() + shrink_seconds
                raise _Found(finding.problem)

    def _may_not_shrink(self) -> bool:
        return self._shrink_until is not None and self.clock() > self._shrink_until

    def _ended(self) -> Service | None:
        ended = (each for each in self.target.services if each.exit_code is not None)
        return next(ended, None)


def _reproduction(number: int, call: Call, calls: Sequence[Call]) -> tuple[str, ...]:
    others = [line for each in calls if each is not call for line in each.lines()]
    at_once = ["at the same time:", *others] if others else []
    again = f"again: python -m tests.fuzz --only grpc --rounds 1 --seed {number}"
    return (*call.lines(), *at_once, again)


async def _make(
    calls: Sequence[Call],
    addresses: Mapping[Method, str],
    channels: Mapping[str, grpc.aio.Channel],
) -> list[Outcome]:
    made = (make_call(channels[addresses[call.method]], call) for call in calls)
    return list(await asyncio.gather(*made))


async def _open(addresses: set[str]) -> dict[str, grpc.aio.Channel]:
    return {address: open_channel(address) for address in addresses}


async def _close(channels: Mapping[str, grpc.aio.Channel]) -> None:
    async with AsyncExitStack() as stack:
        for channel in channels.values():
            await stack.enter_async_context(channel)
