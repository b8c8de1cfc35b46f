"""The emulator's admin API below /_emulator: faults, calls, pools, quota, prices, book, power."""

from collections import defaultdict
from dataclasses import asdict

from tools.aks_emulator.core import billing, cluster_requests, faults, lifecycle
from tools.aks_emulator.core.availability import usage_json, usages
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web.messages import Response


def health(azure: Azure) -> Response:
    ids = azure.settings.ids
    return Response(200, {"status": "ok", "cluster": ids.cluster_id, "location": ids.location})


def list_faults(azure: Azure) -> Response:
    return Response(200, {"faults": [faults.to_json(fault) for fault in azure.faults]})


def set_fault(azure: Azure, body: Json) -> Response:
    """Add a fault, or replace the one with the same id."""
    fault = faults.parse(body)
    if isinstance(fault, str):
        return Response(400, {"error": fault})
    others = tuple(f for f in azure.faults if f.id != fault.id)
    azure.faults = (*others, fault)
    return Response(201, faults.to_json(fault))


def clear_faults(azure: Azure, which: str | None) -> Response:
    """Clear the faults with this id or kind, or all of them."""
    remaining = tuple(f for f in azure.faults if which not in (None, f.id, f.kind.value))
    cleared = len(azure.faults) - len(remaining)
    azure.faults = remaining
    return Response(200, {"cleared": cleared})


def calls(azure: Azure) -> Response:
    return Response(200, {"calls": dict(azure.calls), "total": azure.calls.total()})


def reset_calls(azure: Azure) -> Response:
    azure.calls.clear()
    return Response(200, {"calls": {}, "total": 0})


def pools(azure: Azure) -> Response:
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
            "nodeLabels": pool.properties.get("nodeLabels") or {},
            "machines": machines[name],
        }
        for name, pool in state.pools.items()
    ]
    return Response(200, {"power": state.cluster.power.value, "pools": shown})


def evict(azure: Azure, body: Json) -> Response:
    """`{"pool": "ws1"}`: Azure evicts the machines of that pool."""
    name = str(body.get("pool", ""))
    evicted = lifecycle.evict(azure.state, name)
    if evicted is None:
        return Response(
            404, {"error": f"pool {name!r} has no machines: `pools` lists those that do"}
        )
    azure.commit(evicted)
    return Response(200, {"evicted": name})


def quota(azure: Azure) -> Response:
    lines = usages(azure.state, azure.settings.catalog, azure.faults)
    return Response(200, {"value": [usage_json(usage) for usage in lines]})


def set_quota(azure: Azure, body: Json) -> Response:
    """`{"cores": 24, "standardNCSv3Family": 12}`: limits in vCPUs, by usage name."""
    known = {usage.name for usage in usages(azure.state, azure.settings.catalog, ())}
    for name, limit in body.items():
        if name not in known:
            return Response(
                400, {"error": f"usage {name!r} is unknown: use one of {', '.join(sorted(known))}"}
            )
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            return Response(
                400, {"error": f"limit of {name} {limit!r} must be a non-negative integer"}
            )
    azure.set_limits(body)
    return quota(azure)


def book(azure: Azure) -> Response:
    """Every machine with its price and what it has cost, the oldest first."""
    lines = sorted(azure.state.book.values(), key=lambda line: (line.since, line.machine))
    now = azure.clock()
    shown = [{**asdict(line), "dollars": round(billing.dollars(line, now), 6)} for line in lines]
    total = sum(billing.dollars(line, now) for line in lines)
    return Response(200, {"lines": shown, "total": round(total, 6)})


def set_prices(azure: Azure, body: Json) -> Response:
    """`{"Standard_NC6s_v3": 4.2}`: dollars an hour on demand. `{}`: the recorded ones again."""
    for size, price in body.items():
        if size not in azure.settings.catalog:
            return Response(400, {"error": f"VM size {size!r} is unknown"})
        if not isinstance(price, int | float) or isinstance(price, bool) or not 0 < price < 1e4:
            return Response(
                400, {"error": f"price of {size} {price!r} must be dollars an hour, up to 10000"}
            )
    azure.set_prices({size: float(price) for size, price in body.items()})
    return Response(200, {"prices": dict(azure.state.prices)})


def set_power(azure: Azure, body: Json) -> Response:
    """`{"power": "stop"}` or "start", like `az aks stop` and `az aks start`."""
    changes = {"stop": cluster_requests.stop, "start": cluster_requests.start}
    change = changes.get(str(body.get("power")))
    if change is None:
        return Response(400, {"error": f"power {body.get('power')!r}: use stop or start"})
    outcome = change(azure.state, now=azure.clock(), seconds=azure.settings.operation_seconds)
    if isinstance(outcome, ArmError):
        return Response(409, {"error": outcome.message})
    azure.commit(outcome.state)
    return pools(azure)
