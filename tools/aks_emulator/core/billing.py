"""The book: what each machine has cost. Pure.

A machine costs from when it is allocated until it is gone. Another price counts from when it is
set, on a line of its own.
"""

from dataclasses import replace

from tools.aks_emulator.core.model import Charge, Machine, State
from tools.aks_emulator.core.prices import per_hour

SECONDS_PER_HOUR = 3600


def booked(state: State, now: float) -> State:
    """The same state, with an open line for each machine at its present price, and no other."""
    wanted = {node: _charge(state, node, machine, now) for node, machine in state.machines.items()}
    changed: dict[str, Charge] = {}
    for key, line in state.book.items():
        if line.until is not None:
            continue
        new = wanted.get(line.machine)
        if new is not None and _same(line, new):
            del wanted[line.machine]
        else:
            changed[key] = replace(line, until=now)
    changed |= {f"{node}@{now:.3f}": line for node, line in wanted.items()}
    return replace(state, book={**state.book, **changed}) if changed else state


def dollars(line: Charge, now: float) -> float:
    """What a line comes to, until now if its machine is still there."""
    until = now if line.until is None else line.until
    return (until - line.since) * line.per_hour / SECONDS_PER_HOUR


def _charge(state: State, node: str, machine: Machine, now: float) -> Charge:
    properties = state.pools[machine.pool].properties if machine.pool in state.pools else {}
    size = str(properties.get("vmSize", ""))
    spot = properties.get("scaleSetPriority") == "Spot"
    return Charge(
        pool=machine.pool,
        machine=node,
        size=size,
        spot=spot,
        per_hour=per_hour(size, state.prices, spot=spot),
        since=now,
    )


def _same(line: Charge, new: Charge) -> bool:
    # A machine whose pool has just gone keeps its line until it is gone itself.
    return not new.size or (line.size, line.spot, line.per_hour) == (
        new.size,
        new.spot,
        new.per_hour,
    )
