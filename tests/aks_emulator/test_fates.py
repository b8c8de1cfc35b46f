"""What faults and quota do to an order of machines."""

from typing import Any

import pytest

from tests.aks_emulator.pieces import FAMILY, GPU_SIZE, PLACE, TERMS, created, fault
from tools.aks_emulator.core.catalog import find
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fates import Fate, draw
from tools.aks_emulator.core.faults import Faults
from tools.aks_emulator.core.market import Order, sku_json, usages
from tools.aks_emulator.core.model import State

SIZE = find(TERMS.catalog, GPU_SIZE.upper())
assert SIZE is not None


def order(**changes: Any) -> Order:
    given: dict[str, object] = {
        "pool": "ws1", "size": SIZE, "nodes": 1, "spot": False, "zones": (), **changes
    }  # fmt: skip
    return Order(**given)  # type: ignore[arg-type]


def drawn(
    faults: Faults, state: State | None = None, **changes: Any
) -> tuple[Fate | ArmError, Faults]:
    return draw(faults, order(**changes), state or State(), TERMS.catalog, PLACE.location)


@pytest.mark.parametrize(
    ("limits", "changes", "words"),
    [
        pytest.param({FAMILY: 5}, {}, f"requested 6, remaining 5 for family {FAMILY}", id="family"),
        pytest.param(
            {"cores": 5}, {}, "left regional vcpu quota 5, requested quota 6", id="region"
        ),
        pytest.param({FAMILY: 6}, {"nodes": 2}, "requested 12, remaining 6", id="two nodes"),
        pytest.param({FAMILY: 6, "cores": 6}, {}, None, id="enough"),
        pytest.param({FAMILY: 0, "cores": 0}, {"spot": True}, None, id="spot has its own"),
        pytest.param({"lowPriorityCores": 5}, {"spot": True}, "quota 5", id="no spot quota"),
    ],
)
def test_quota(limits: dict[str, int], changes: dict[str, Any], words: str | None) -> None:
    fate, _ = drawn((), State(limits=limits), **changes)
    assert (isinstance(fate, ArmError) and words is not None and words in fate.message) or (
        fate == Fate() and words is None
    )


def test_what_runs_uses_quota_up() -> None:
    state = created().state
    used = {usage.name: usage.used for usage in usages(state, TERMS.catalog, ())}
    assert (used[FAMILY], used["cores"], used["lowPriorityCores"]) == (6, 6, 0)


@pytest.mark.parametrize(
    ("kind", "fields", "changes", "struck"),
    [
        pytest.param("no-family-quota", {}, {}, True, id="any"),
        pytest.param("no-family-quota", {"vm_size": "*NC6S*"}, {}, True, id="size, any case"),
        pytest.param("no-family-quota", {"vm_size": "*A100*"}, {}, False, id="another size"),
        pytest.param("allocation-failed", {"pool": "ws*"}, {}, True, id="pool"),
        pytest.param("allocation-failed", {"pool": "no*"}, {}, False, id="another pool"),
        pytest.param("zone-restricted", {"zone": "2"}, {"zones": ("2",)}, True, id="zone"),
        pytest.param("zone-restricted", {"zone": "2"}, {"zones": ("1",)}, False, id="other zone"),
        pytest.param("zone-restricted", {}, {}, False, id="no zone asked"),
    ],
)
def test_faults_match(
    kind: str, fields: dict[str, Any], changes: dict[str, Any], struck: bool
) -> None:
    fate, _ = drawn((fault(kind, **fields),), **changes)
    assert (fate != Fate()) is struck


def test_a_fault_is_spent_by_its_count() -> None:
    faults: Faults = (fault("allocation-failed", count=2),)
    for left in (1, 0):
        fate, faults = drawn(faults)
        assert isinstance(fate, Fate)
        assert fate.verdict is not None
        assert len(faults) == left
    assert drawn(faults)[0] == Fate()


@pytest.mark.parametrize(
    ("kind", "fate"),
    [
        pytest.param("never-joins", Fate(boots=False), id="never joins"),
        pytest.param("slow", Fate(extra_seconds=5), id="slow"),
    ],
)
def test_trouble_without_an_error(kind: str, fate: Fate) -> None:
    assert drawn((fault(kind),))[0] == fate


def test_a_fate_may_fail_and_join_later() -> None:
    fate, _ = drawn((fault("fails-then-joins", seconds=9), fault("slow", seconds=4)))
    assert isinstance(fate, Fate)
    assert fate.verdict is not None
    assert (fate.joins_after, fate.extra_seconds, fate.boots) == (9, 4, False)


def test_listings_show_standing_faults_unless_hidden() -> None:
    size = SIZE
    assert size is not None
    shown = (fault("no-family-quota", vm_size=GPU_SIZE), fault("sku-not-available"))
    left = {u.name: u.left for u in usages(State(), TERMS.catalog, shown)}
    assert left[FAMILY] == 0
    assert left["cores"] > 0
    [restriction] = sku_json(size, "eastus", shown)["restrictions"]
    assert restriction["type"] == "Location"
    hidden = tuple(fault(f.kind.value, hidden=True) for f in shown)
    assert {u.left for u in usages(State(), TERMS.catalog, hidden)} == {100_000}
    assert sku_json(size, "eastus", hidden)["restrictions"] == []
    [zonal] = sku_json(size, "eastus", (fault("zone-restricted", zone="3"),))["restrictions"]
    assert zonal["restrictionInfo"] == {"locations": ["eastus"], "zones": ["3"]}
