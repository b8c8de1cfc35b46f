"""Builders of the states and requests that the emulator's tests use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.aks_emulator.core import catalog
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.cluster_settings import ClusterSettings
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fault_injection import Outcome
from tools.aks_emulator.core.faults import Fault, parse
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.model import Json, State
from tools.aks_emulator.core.pool_requests import (
    Accepted,
    PoolChange,
    PutPool,
    accept,
    validate,
)
from tools.aks_emulator.core.resource_ids import ResourceIds
from tools.aks_emulator.web import arm
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request, Response
from tools.aks_emulator.web.tokens import Issuer

IDS = ResourceIds()
NOW = 1_800_000_000.0
GPU_SIZE = "Standard_NC6s_v3"
FAMILY = "standardNCSv3Family"
SETTINGS = ClusterSettings(
    ids=IDS,
    catalog=catalog.sizes(),
    kubernetes_version="1.36.3",
    max_pools=10,
    operation_seconds=2.0,
)
ISSUER = Issuer(key="k" * 32, tenant=IDS.tenant, audiences=("https://localhost:8443",))


@dataclass(slots=True)
class ManualClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def pool_properties(**changes: Any) -> dict[str, object]:
    """The properties of a PUT, as gpu-provisioner sends them."""
    return {
        "count": 1,
        "vmSize": GPU_SIZE,
        "osType": "Linux",
        "mode": "User",
        "nodeTaints": ["sku=gpu:NoSchedule"],
        "nodeLabels": {"kaito.sh/workspace": "falcon"},
        **changes,
    }


def created(
    state: State | None = None, name: str = "ws1", outcome: Outcome | None = None, **changes: Any
) -> Accepted:
    """The state right after the creation of a pool has started."""
    before = state if state is not None else State()
    change = validate(before, PutPool(name, pool_properties(**changes)), SETTINGS, NOW)
    assert isinstance(change, PoolChange), change
    return accept(before, change, outcome or Outcome(), SETTINGS, NOW)


def fault(kind: str, **more: Any) -> Fault:
    parsed = parse({"kind": kind, **more})
    assert isinstance(parsed, Fault), parsed
    return parsed


def azure(folder: Path, clock: ManualClock) -> Azure:
    return Azure(SETTINGS, Journal(folder / "state.jsonl"), clock)


def make_context(folder: Path, clock: ManualClock) -> Context:
    return Context(azure=azure(folder, clock), issuer=ISSUER)


POOLS = f"{IDS.cluster_id}/agentPools"


def call(
    context: Context,
    method: str,
    path: str,
    body: Json | None = None,
    version: str | None = "2026-08-01",
    query: Mapping[str, str] | None = None,
) -> Response:
    """Make one authorized call, as the SDK would."""
    token = ISSUER.token("client", "https://localhost:8443", context.azure.clock())
    versions = {"api-version": version} if version is not None else {}
    request = Request(
        method=method,
        path=path,
        query={**versions, **(query or {})},
        headers={"authorization": f"Bearer {token}"},
        body=json.dumps(body).encode() if body is not None else b"",
    )
    return arm.handle(context, request)


def put(context: Context, name: str, **changes: Any) -> Response:
    return call(context, "PUT", f"{POOLS}/{name}", {"properties": pool_properties(**changes)})


def error_code(response: Response | ArmError | None) -> str | None:
    if isinstance(response, ArmError):
        return response.code
    error = (
        response.body.get("error") if response is not None and response.body is not None else None
    )
    return str(error["code"]) if isinstance(error, Mapping) else None


def error_message(response: Response) -> str:
    assert response.body is not None
    return str(response.body["error"]["message"])
