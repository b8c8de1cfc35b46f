"""Starting long-running operations, and rendering them as ARM does. Pure."""

import uuid
from datetime import UTC, datetime

from tools.aks_emulator.core.errors import ArmError, cluster_stopped, in_progress
from tools.aks_emulator.core.model import (
    Failure,
    Json,
    Operation,
    OperationKind,
    OperationStatus,
    Power,
    State,
)
from tools.aks_emulator.core.resource_ids import ResourceIds


def begin(
    kind: OperationKind, pool: str | None, *, now: float, seconds: float,
    verdict: Failure | None = None, ignores_budgets: bool = False,
) -> Operation:  # fmt: skip
    identity = f"{kind}/{pool}/{now!r}"
    return Operation(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
        kind=kind,
        pool=pool,
        started_at=now,
        due_at=now + seconds,
        verdict=verdict,
        ignores_budgets=ignores_budgets,
    )


def conflict(state: State, pool: str) -> ArmError | None:
    """The error if no operation may start on a pool: cluster stopped or busy, or pool busy."""
    cluster_operation = state.operations.get(state.cluster.operation or "")
    if cluster_operation is not None and cluster_operation.in_flight:
        return _busy(cluster_operation, "the managed cluster")
    if state.cluster.power is Power.STOPPED:
        return cluster_stopped()
    known = state.pools.get(pool)
    operation = state.operation_on(known) if known is not None else None
    return _busy(operation, f"the agent pool '{pool}'") if operation is not None else None


def any_in_flight(state: State) -> Operation | None:
    return next((o for o in state.operations.values() if o.in_flight), None)


def busy_cluster(state: State) -> ArmError | None:
    operation = any_in_flight(state)
    return _busy(operation, "the managed cluster") if operation is not None else None


def to_json(operation: Operation, ids: ResourceIds) -> Json:
    """The status resource that Azure-AsyncOperation points to."""
    shown: Json = {
        "id": ids.operation_path(operation.id, "operations"),
        "name": operation.id,
        "status": operation.status.value,
        "startTime": timestamp(operation.started_at),
    }
    if operation.ended_at is not None:
        shown["endTime"] = timestamp(operation.ended_at)
    failure = operation.verdict
    if operation.status is OperationStatus.FAILED and failure is not None:
        shown["error"] = {"code": failure.code, "message": failure.message}
    if operation.status is OperationStatus.CANCELED:
        message = f"The {operation.kind} operation was aborted."
        shown["error"] = {"code": "OperationPreempted", "message": message}
    return shown


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _busy(operation: Operation, on: str) -> ArmError:
    return in_progress(operation.kind, on, timestamp(operation.started_at))
