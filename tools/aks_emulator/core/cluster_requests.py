"""Handles stop and start of the managed cluster. Pure."""

from dataclasses import replace

from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.model import ClusterState, OperationKind, State
from tools.aks_emulator.core.operations import begin, busy_cluster
from tools.aks_emulator.core.pool_requests import Accepted


def stop(state: State, *, now: float, seconds: float) -> Accepted | ArmError:
    return _change(state, OperationKind.STOP, ClusterState.STOPPING, now, seconds)


def start(state: State, *, now: float, seconds: float) -> Accepted | ArmError:
    return _change(state, OperationKind.START, ClusterState.STARTING, now, seconds)


def _change(
    state: State, kind: OperationKind, to: ClusterState, now: float, seconds: float
) -> Accepted | ArmError:
    """Start the operation; stopping a stopped cluster or starting a running one succeeds too."""
    problem = busy_cluster(state)
    if problem is not None:
        return problem
    operation = begin(kind, None, now=now, seconds=seconds)
    cluster = replace(state.cluster, state=to, operation=operation.id)
    return Accepted(replace(state.with_operation(operation), cluster=cluster), operation)
