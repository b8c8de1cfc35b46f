"""What the tests of the emulator build states and requests from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.aks_emulator.core import catalog
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fates import Fate
from tools.aks_emulator.core.faults import Fault, parse
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.model import Json, State
from tools.aks_emulator.core.place import Place
from tools.aks_emulator.core.pool_requests import Accepted, Draft, PutPool, Terms, accept, examine
from tools.aks_emulator.web import arm
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.replies import Reply, Request
from tools.aks_emulator.web.tokens import Issuer

PLACE = Place()
NOW = 1_800_000_000.0
GPU_SIZE = "Standard_NC6s_v3"
FAMILY = "standardNCSv3Family"
TERMS = Terms(
    place=PLACE,
    catalog=catalog.sizes(),
    kubernetes_version="1.36.3",
    max_pools=10,
    operation_seconds=2.0,
)
ISSUER = Issuer(key="k" * 32, tenant=PLACE.tenant, audiences=("https://localhost:8443",))


@dataclass(slots=True)
class ManualClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def asked(**changes: Any) -> dict[str, object]:
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
    state: State | None = None, name: str = "ws1", fate: Fate | None = None, **changes: Any
) -> Accepted:
    """The state in which a pool has just begun to be created."""
    before = state if state is not None else State()
    draft = examine(before, PutPool(name, asked(**changes)), TERMS, NOW)
    assert isinstance(draft, Draft), draft
    return accept(before, draft, fate or Fate(), TERMS, NOW)


def fault(kind: str, **more: Any) -> Fault:
    made = parse({"kind": kind, **more})
    assert isinstance(made, Fault), made
    return made


def azure(folder: Path, clock: ManualClock) -> Azure:
    return Azure(TERMS, Journal(folder / "state.jsonl"), clock)


def desk(folder: Path, clock: ManualClock) -> Desk:
    return Desk(azure=azure(folder, clock), issuer=ISSUER)


POOLS = f"{PLACE.cluster_id}/agentPools"


def call(
    on: Desk,
    method: str,
    path: str,
    body: Json | None = None,
    version: str | None = "2026-08-01",
    query: Mapping[str, str] | None = None,
) -> Reply:
    """One authorized call, as the SDK would make it."""
    token = ISSUER.token("client", "https://localhost:8443", on.azure.clock())
    versions = {"api-version": version} if version is not None else {}
    request = Request(
        method=method,
        path=path,
        query={**versions, **(query or {})},
        headers={"authorization": f"Bearer {token}"},
        body=json.dumps(body).encode() if body is not None else b"",
    )
    return arm.answer(on, request)


def put(on: Desk, name: str, **changes: Any) -> Reply:
    return call(on, "PUT", f"{POOLS}/{name}", {"properties": asked(**changes)})


def error_code(reply: Reply | ArmError | None) -> str | None:
    if isinstance(reply, ArmError):
        return reply.code
    error = reply.body.get("error") if reply is not None and reply.body is not None else None
    return str(error["code"]) if isinstance(error, Mapping) else None


def error_message(reply: Reply) -> str:
    assert reply.body is not None
    return str(reply.body["error"]["message"])
