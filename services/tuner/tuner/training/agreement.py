"""What the processes of a training agree on, so that all do the same at the same step.

Alone, a process agrees with itself, and no library is involved.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist

from tuner.base_model.error_translation import is_out_of_memory, quote
from tuner.processes.errors import PeerLost
from tuner.processes.rank import Rank

T = TypeVar("T")

# A process that vanishes with its node closes no connection: the others give up after this.
TIMEOUT = timedelta(minutes=30)
# For one process to prepare the data while the others wait.
PREPARATION_TIMEOUT = timedelta(hours=24)
# gloo and NCCL have no classes of their own for their errors.
_CONNECTION_TEXTS = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe")


class Agreement:
    """The agreement of a process with itself."""

    reporting = True
    processes = 1

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it is set in any process."""
        return flags

    def gather(self, value: T) -> list[T]:
        """The value of each process."""
        return [value]

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` returns in the first process; the others do not call it."""
        return make()

    def from_process(self, number: int, value: T) -> T:
        """The value of the process `number`."""
        return value

    def one_by_one(self, make: Callable[[], T]) -> T:
        """What `make` returns, called by the first process of each node before the others."""
        return make()

    def wait(self) -> None:
        """Wait until all processes are here."""


class GroupAgreement(Agreement):
    """The agreement of the processes that a launcher has started."""

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self.reporting = rank.reporting
        self.processes = rank.size

    def any(self, *flags: bool) -> tuple[bool, ...]:
        seen = torch.tensor(flags, dtype=torch.uint8)
        dist.all_reduce(seen, dist.ReduceOp.MAX)
        return tuple(map(bool, seen.tolist()))

    def gather(self, value: T) -> list[T]:
        values: list[T] = [value] * self.processes
        dist.all_gather_object(values, value)
        return values

    def from_first(self, make: Callable[[], T]) -> T:
        made: T | None = make() if self.reporting else None
        return cast(T, self.from_process(0, made))

    def from_process(self, number: int, value: T) -> T:
        values: list[Any] = [value if self._rank.number == number else None]
        # On the CPU: with NCCL it would go over a GPU.
        dist.broadcast_object_list(values, src=number, device=torch.device("cpu"))
        sent: T = values[0]
        return sent

    def one_by_one(self, make: Callable[[], T]) -> T:
        made = [make()] if self._rank.first_on_node else []
        dist.monitored_barrier(timeout=PREPARATION_TIMEOUT)
        return made[0] if made else make()

    def wait(self) -> None:
        dist.monitored_barrier(timeout=TIMEOUT)


@contextmanager
def joined(rank: Rank | None) -> Iterator[Agreement]:
    """Within the block, the process is one of its training's; None: it is the only one.

    Raises:
        PeerLost: another process has ended.
    """
    if rank is None:
        yield Agreement()
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(rank.local)
    with _peer_errors():
        # gloo for what the processes agree on, also where NCCL sums the gradients.
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", timeout=TIMEOUT)
        yield GroupAgreement(rank)


@contextmanager
def _peer_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error) or not _is_lost_connection(error):
            raise
        raise PeerLost(quote(error)) from error


def _is_lost_connection(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or any(
        text in str(error).casefold() for text in _CONNECTION_TEXTS
    )
