"""PUT and DELETE of agent pools: what is accepted, what is rejected, and how."""

from typing import Any

import pytest

from tests.aks_emulator.builders import NOW, SETTINGS, created, error_code, pool_properties
from tools.aks_emulator.core.azure import SYSTEM_POOL
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fault_injection import Outcome
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Failure, OperationKind, PoolState, State
from tools.aks_emulator.core.pool_properties import etag
from tools.aks_emulator.core.pool_requests import (
    Accepted,
    PoolChange,
    Preconditions,
    PutPool,
    accept,
    delete,
    validate,
)

LATER = NOW + 60


def settled(**changes: Any) -> State:
    return advance(created(outcome=Outcome(boots=False), **changes).state, LATER)


def test_new_pool_gets_the_defaults_of_aks() -> None:
    pool = created(osDiskSizeGB=0).state.pools["ws1"]
    assert pool.state is PoolState.CREATING
    shown = pool.properties
    assert (shown["osDiskSizeGB"], shown["maxPods"], shown["osSKU"]) == (128, 250, "Ubuntu")
    assert shown["orchestratorVersion"] == "1.36.3"
    assert shown["nodeTaints"] == ["sku=gpu:NoSchedule"]


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        pytest.param("Ws1", {}, "InvalidParameter", id="capital"),
        pytest.param("ws-1", {}, "InvalidParameter", id="dash"),
        pytest.param("1ws", {}, "InvalidParameter", id="digit first"),
        pytest.param("w" * 13, {}, "InvalidParameter", id="too long"),
        pytest.param("ws2", {"vmSize": "Standard_Nope"}, "BadRequest", id="unknown size"),
        pytest.param("ws2", {"count": -1}, "InvalidParameter", id="negative count"),
        pytest.param("ws1", {"vmSize": "Standard_NC12s_v3"}, "PropertyChangeNotAllowed", id="size"),
        pytest.param("ws1", {"osDiskSizeGB": 64}, "PropertyChangeNotAllowed", id="disk"),
    ],
)
def test_invalid_put_is_rejected(name: str, changes: dict[str, object], code: str) -> None:
    outcome = validate(settled(), PutPool(name, pool_properties(**changes)), SETTINGS, LATER)
    assert isinstance(outcome, ArmError)
    assert outcome.code == code


def test_update_keeps_other_properties() -> None:
    state = settled(tags={"claim": "ws1"})
    change = validate(state, PutPool("ws1", {"nodeLabels": {"a": "b"}}), SETTINGS, LATER)
    assert isinstance(change, PoolChange)
    assert change.kind is OperationKind.UPDATE
    assert change.pool.properties["tags"] == {"claim": "ws1"}
    assert change.pool.properties["nodeLabels"] == {"a": "b"}


def test_failed_pool_gets_its_machine_after_a_second_put() -> None:
    broken = Outcome(verdict=Failure("AllocationFailed", ""), boots=False)
    state = advance(created(outcome=broken).state, LATER)
    assert state.pools["ws1"].state is PoolState.FAILED
    change = validate(state, PutPool("ws1", pool_properties()), SETTINGS, LATER)
    assert isinstance(change, PoolChange)
    assert change.capacity is not None
    again = accept(state, change, Outcome(), SETTINGS, LATER).state.pools["ws1"]
    assert (again.state, again.boots_at) == (PoolState.UPDATING, LATER)


@pytest.mark.parametrize(
    ("preconditions", "exists", "code"),
    [
        pytest.param(Preconditions(if_none_match="*"), False, None, id="create, absent"),
        pytest.param(Preconditions(if_none_match="*"), True, "EtagMismatch", id="create, there"),
        pytest.param(Preconditions(if_match="*"), False, "EtagMismatch", id="update, absent"),
        pytest.param(Preconditions(if_match="*"), True, None, id="update, there"),
        pytest.param(Preconditions(if_match='"old"'), True, "EtagMismatch", id="update, changed"),
    ],
)
def test_etag_preconditions(preconditions: Preconditions, exists: bool, code: str | None) -> None:
    state = settled() if exists else State()
    outcome = validate(state, PutPool("ws1", pool_properties(), preconditions), SETTINGS, LATER)
    assert error_code(outcome if isinstance(outcome, ArmError) else None) == code


def test_every_change_gives_a_new_etag() -> None:
    before = created().state.pools["ws1"]
    after = settled().pools["ws1"]
    assert etag(before) != etag(after)


def test_number_of_pools_is_limited() -> None:
    state = State()
    for number in range(SETTINGS.max_pools):
        state = created(state, name=f"ws{number}").state
    outcome = validate(state, PutPool("more", pool_properties()), SETTINGS, NOW)
    assert isinstance(outcome, ArmError)
    assert "of at most 10" in outcome.message


def test_last_system_pool_cannot_be_deleted() -> None:
    state = settled(mode="System")
    outcome = delete(state, "ws1", Preconditions(), Outcome(), SETTINGS, LATER)
    assert isinstance(outcome, ArmError)
    assert "at least one system agent pool" in outcome.message
    more = advance(created(state, name=SYSTEM_POOL, mode="System").state, LATER + 60)
    assert isinstance(delete(more, "ws1", Preconditions(), Outcome(), SETTINGS, LATER), Accepted)


def test_pool_that_is_being_deleted_rejects_a_second_delete() -> None:
    deleting = delete(settled(), "ws1", Preconditions(), Outcome(), SETTINGS, LATER)
    assert isinstance(deleting, Accepted)
    again = delete(deleting.state, "ws1", Preconditions(), Outcome(), SETTINGS, LATER)
    assert isinstance(again, ArmError)
    assert "in progress delete node pool operation" in again.message
    assert delete(State(), "ws1", Preconditions(), Outcome(), SETTINGS, LATER) is None
