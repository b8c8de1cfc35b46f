"""The emulator's own controls below /_emulator: faults, call counters, pools, quota, power.
Plain JSON."""

from collections import defaultdict

from tools.aks_emulator.core import cluster_requests, lifecycle
from tools.aks_emulator.core import faults as fault_book
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.market import usage_json, usages
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web.replies import Reply


def health(azure: Azure) -> Reply:
    place = azure.terms.place
    return Reply(200, {"status": "ok", "cluster": place.cluster_id, "location": place.location})


def list_faults(azure: Azure) -> Reply:
    return Reply(200, {"faults": [fault_book.to_json(fault) for fault in azure.faults]})


def set_fault(azure: Azure, asked: Json) -> Reply:
    """Adds a fault, or replaces the one of the same id."""
    fault = fault_book.parse(asked)
    if isinstance(fault, str):
        return Reply(400, {"error": fault})
    others = tuple(f for f in azure.faults if f.id != fault.id)
    azure.faults = (*others, fault)
    return Reply(201, fault_book.to_json(fault))


def clear_faults(azure: Azure, which: str | None) -> Reply:
    """Clears the faults of an id or kind, or all."""
    kept = tuple(f for f in azure.faults if which not in (None, f.id, f.kind.value))
    cleared = len(azure.faults) - len(kept)
    azure.faults = kept
    return Reply(200, {"cleared": cleared})


def calls(azure: Azure) -> Reply:
    return Reply(200, {"calls": dict(azure.calls), "total": azure.calls.total()})


def forget_calls(azure: Azure) -> Reply:
    azure.calls.clear()
    return Reply(200, {"calls": {}, "total": 0})


def pools(azure: Azure) -> Reply:
    state = azure.state
    machines: dict[str, Json] = defaultdict(dict)
    for node, machine in state.machines.items():
        machines[machine.pool][node] = machine.phase.value
    shown = [
        {
            "name": pool.name,
            "provisioningState": pool.state.value,
            "vmSize": pool.vm_size,
            "count": pool.count,
            "tags": pool.properties.get("tags") or {},
            "machines": machines[name],
        }
        for name, pool in state.pools.items()
    ]
    return Reply(200, {"power": state.cluster.power.value, "pools": shown})


def evict(azure: Azure, asked: Json) -> Reply:
    """`{"pool": "ws1"}`: Azure takes the machines of that pool back."""
    name = str(asked.get("pool", ""))
    after = lifecycle.evict(azure.state, name)
    if after is None:
        return Reply(404, {"error": f"pool {name!r} has no machine: `pools` lists those that do"})
    azure.commit(after)
    return Reply(200, {"evicted": name})


def quota(azure: Azure) -> Reply:
    lines = usages(azure.state, azure.terms.catalog, azure.faults)
    return Reply(200, {"value": [usage_json(usage) for usage in lines]})


def set_quota(azure: Azure, asked: Json) -> Reply:
    """`{"cores": 24, "standardNCSv3Family": 12}`: limits in vCPUs by usage name."""
    known = {usage.name for usage in usages(azure.state, azure.terms.catalog, ())}
    for name, limit in asked.items():
        if name not in known:
            return Reply(400, {"error": f"usage {name!r} is unknown: {', '.join(sorted(known))}"})
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            return Reply(400, {"error": f"limit of {name} {limit!r} must be a whole number"})
    azure.set_limits(asked)
    return quota(azure)


def set_power(azure: Azure, asked: Json) -> Reply:
    """`{"power": "stop"}` or "start", as `az aks stop` and `az aks start` do."""
    changes = {"stop": cluster_requests.stop, "start": cluster_requests.start}
    change = changes.get(str(asked.get("power")))
    if change is None:
        return Reply(400, {"error": f"power {asked.get('power')!r}: use stop or start"})
    outcome = change(azure.state, now=azure.clock(), seconds=azure.terms.operation_seconds)
    if isinstance(outcome, ArmError):
        return Reply(409, {"error": outcome.message})
    azure.commit(outcome.state)
    return pools(azure)
