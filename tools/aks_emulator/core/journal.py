"""Keeps the state on disk as a journal of JSON lines, so that a killed emulator can continue.

Each line is one transition, appended in a single write: the entries that it set and dropped. A last
line that a crash cut short is ignored. Opening the journal compacts it into one line, atomically.
The cost of a write depends on the size of the change, not of the state.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from tools.aks_emulator.core.model import (
    Charge,
    Cluster,
    ClusterState,
    Failure,
    Json,
    Machine,
    MachinePhase,
    Operation,
    OperationKind,
    OperationStatus,
    Pool,
    PoolState,
    Power,
    State,
)

TABLES = ("pools", "operations", "machines", "limits", "prices", "book")


@dataclass(slots=True)
class Journal:
    path: Path

    def open(self) -> State | None:
        """The last recorded state, or None if there is none.

        Raises:
            ValueError: a line before the last one is broken.
        """
        if not self.path.exists():
            return None
        state = replay(self.path.read_text(encoding="utf-8"))
        new = self.path.with_suffix(".new")
        new.write_text(_line(difference(None, state)), encoding="utf-8")
        os.replace(new, self.path)
        return state

    def record(self, old: State | None, new: State) -> None:
        """Append the change; if the file is gone (a wiped home folder), append the whole state."""
        change = difference(old if self.path.exists() else None, new)
        if not change:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A single unbuffered write, so that a crash can tear only the last line.
        with self.path.open("ab", buffering=0) as file:
            file.write(_line(change).encode())


def difference(old: State | None, new: State) -> Json:
    """The change from one state to the other; values are compared by identity."""
    change: Json = {}
    if old is None or old.cluster is not new.cluster:
        change["cluster"] = asdict(new.cluster)
    for table in TABLES:
        before: Mapping[str, Any] = getattr(old, table) if old is not None else {}
        after: Mapping[str, Any] = getattr(new, table)
        if before is after:
            continue
        written = {k: _plain(v) for k, v in after.items() if before.get(k) is not v}
        dropped = [k for k in before if k not in after]
        if written or dropped:
            change[table] = {"set": written, "drop": dropped}
    return change


def replay(text: str) -> State:
    """The state after applying all lines.

    Raises:
        ValueError: a line before the last one is broken.
    """
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    cluster: Json = {}
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        # A line without its end was cut short by a crash.
        if number == len(lines) and not line.endswith("\n"):
            break
        change = json.loads(line)
        cluster = change.get("cluster", cluster)
        for table in TABLES:
            part = change.get(table, {"set": {}, "drop": []})
            tables[table].update(part["set"])
            for key in part["drop"]:
                tables[table].pop(key, None)
    return _state(cluster, tables)


def _state(cluster: Json, tables: Mapping[str, Mapping[str, Any]]) -> State:
    return State(
        cluster=_cluster(cluster) if cluster else Cluster(),
        pools={k: _pool(v) for k, v in tables["pools"].items()},
        operations={k: _operation(v) for k, v in tables["operations"].items()},
        machines={k: _machine(v) for k, v in tables["machines"].items()},
        limits={k: int(v) for k, v in tables["limits"].items()},
        prices={k: float(v) for k, v in tables["prices"].items()},
        book={k: Charge(**v) for k, v in tables["book"].items()},
    )


def _cluster(row: Json) -> Cluster:
    return Cluster(**{**row, "state": ClusterState(row["state"]), "power": Power(row["power"])})


def _pool(row: Json) -> Pool:
    return Pool(**{**row, "state": PoolState(row["state"])})


def _operation(row: Json) -> Operation:
    verdict = Failure(**row["verdict"]) if row["verdict"] is not None else None
    kind, status = OperationKind(row["kind"]), OperationStatus(row["status"])
    return Operation(**{**row, "kind": kind, "status": status, "verdict": verdict})


def _machine(row: Json) -> Machine:
    return Machine(**{**row, "phase": MachinePhase(row["phase"])})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def _line(change: Json) -> str:
    return json.dumps(change, separators=(",", ":")) + "\n"
