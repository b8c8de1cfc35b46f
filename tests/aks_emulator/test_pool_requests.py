"""PUT and DELETE of agent pools: what is taken, what is refused and how."""

from typing import Any

import pytest

from tests.aks_emulator.pieces import NOW, TERMS, asked, created, error_code
from tools.aks_emulator.core.azure import SYSTEM_POOL
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fates import Fate
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Failure, OperationKind, PoolState, State
from tools.aks_emulator.core.pool_requests import (
    Accepted,
    Conditions,
    Draft,
    PutPool,
    accept,
    delete,
    examine,
)
from tools.aks_emulator.core.shapes import etag

LATER = NOW + 60


def settled(**changes: Any) -> State:
    return advance(created(fate=Fate(boots=False), **changes).state, LATER)


def test_a_new_pool_is_filled_with_the_defaults_of_aks() -> None:
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
def test_a_put_is_refused(name: str, changes: dict[str, object], code: str) -> None:
    outcome = examine(settled(), PutPool(name, asked(**changes)), TERMS, LATER)
    assert isinstance(outcome, ArmError)
    assert outcome.code == code


def test_an_update_keeps_what_it_does_not_name() -> None:
    state = settled(tags={"claim": "ws1"})
    draft = examine(state, PutPool("ws1", {"nodeLabels": {"a": "b"}}), TERMS, LATER)
    assert isinstance(draft, Draft)
    assert draft.kind is OperationKind.UPDATE
    assert draft.pool.properties["tags"] == {"claim": "ws1"}
    assert draft.pool.properties["nodeLabels"] == {"a": "b"}


def test_a_failed_pool_can_be_put_again_and_then_gets_its_machine() -> None:
    broken = Fate(verdict=Failure("AllocationFailed", ""), boots=False)
    state = advance(created(fate=broken).state, LATER)
    assert state.pools["ws1"].state is PoolState.FAILED
    draft = examine(state, PutPool("ws1", asked()), TERMS, LATER)
    assert isinstance(draft, Draft)
    assert draft.order is not None
    again = accept(state, draft, Fate(), TERMS, LATER).state.pools["ws1"]
    assert (again.state, again.boots_at) == (PoolState.UPDATING, LATER)


@pytest.mark.parametrize(
    ("conditions", "exists", "code"),
    [
        pytest.param(Conditions(if_none_match="*"), False, None, id="create, absent"),
        pytest.param(Conditions(if_none_match="*"), True, "EtagMismatch", id="create, there"),
        pytest.param(Conditions(if_match="*"), False, "EtagMismatch", id="update, absent"),
        pytest.param(Conditions(if_match="*"), True, None, id="update, there"),
        pytest.param(Conditions(if_match='"old"'), True, "EtagMismatch", id="update, changed"),
    ],
)
def test_etags(conditions: Conditions, exists: bool, code: str | None) -> None:
    state = settled() if exists else State()
    outcome = examine(state, PutPool("ws1", asked(), conditions), TERMS, LATER)
    assert error_code(outcome if isinstance(outcome, ArmError) else None) == code


def test_every_change_makes_a_new_etag() -> None:
    before = created().state.pools["ws1"]
    after = settled().pools["ws1"]
    assert etag(before) != etag(after)


def test_there_can_be_too_many_pools() -> None:
    state = State()
    for number in range(TERMS.max_pools):
        state = created(state, name=f"ws{number}").state
    outcome = examine(state, PutPool("more", asked()), TERMS, NOW)
    assert isinstance(outcome, ArmError)
    assert "of at most 10" in outcome.message


def test_the_last_system_pool_stays() -> None:
    state = settled(mode="System")
    outcome = delete(state, "ws1", Conditions(), Fate(), TERMS, LATER)
    assert isinstance(outcome, ArmError)
    assert "at least one system agent pool" in outcome.message
    more = advance(created(state, name=SYSTEM_POOL, mode="System").state, LATER + 60)
    assert isinstance(delete(more, "ws1", Conditions(), Fate(), TERMS, LATER), Accepted)


def test_a_pool_that_is_going_takes_no_second_delete() -> None:
    going = delete(settled(), "ws1", Conditions(), Fate(), TERMS, LATER)
    assert isinstance(going, Accepted)
    again = delete(going.state, "ws1", Conditions(), Fate(), TERMS, LATER)
    assert isinstance(again, ArmError)
    assert "in progress delete node pool operation" in again.message
    assert delete(State(), "ws1", Conditions(), Fate(), TERMS, LATER) is None
