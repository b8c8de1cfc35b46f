"""The state of the AKS emulator, and its faults."""

import os
from typing import Literal

from tools.aks_emulator import settings
from tools.aks_emulator.admin_client import AdminClient
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web import price_list

PRICE_LIST = f"http://{settings.LOCAL_HOSTS[0]}:{settings.PRICES_PORT}{price_list.PATH}"
"""Azure's public price list, for plain HTTP clients on this machine and in pods."""


def _client() -> AdminClient:
    home = settings.home(os.environ)
    return AdminClient(settings.Settings(home=home).url, home / "ca.pem")


def _pools() -> list[Json]:
    found: list[Json] = _client().call("GET", "pools")["pools"]
    return found


def pool_names() -> list[str]:
    """Every agent pool except the cluster's system pool."""
    return [str(pool["name"]) for pool in _pools() if pool["name"] != "system"]


def pool_lines() -> list[str]:
    """One line per agent pool, with its state and tags."""
    return [" ".join(f"{k}={v}" for k, v in pool.items()) for pool in _pools()]


def pools_at_rest() -> bool:
    """Whether no operation on a pool is in flight."""
    return all(pool["provisioningState"] in ("Succeeded", "Failed") for pool in _pools())


def set_fault(kind: str, **options: object) -> None:
    body: Json = {"kind": kind, **options}
    _client().call("POST", "faults", body)


def clear_faults() -> None:
    _client().call("DELETE", "faults")


def set_quota(**limits: int) -> None:
    _client().call("PUT", "quota", dict(limits))


def set_prices(**dollars_per_hour: float) -> None:
    """By VM size; without any, the recorded prices are back."""
    _client().call("PUT", "prices", dict(dollars_per_hour))


def book() -> list[Json]:
    """The lines of what each machine has cost, the oldest first."""
    lines: list[Json] = _client().call("GET", "book")["lines"]
    return lines


def quota_left(family: str) -> int:
    """vCPUs, by the name of the usage."""
    usages: list[Json] = _client().call("GET", "quota")["value"]
    (found,) = (each for each in usages if each["name"]["value"] == family)
    return int(found["limit"]) - int(found["currentValue"])


def set_power(to: Literal["stop", "start"]) -> None:
    """Like `az aks stop` or `az aks start`, but returns as soon as the operation has started."""
    _client().call("PUT", "power", {"power": to})


def calls(operation: str) -> int:
    """How often a call was made, for example agentPools.put."""
    return int(_client().call("GET", "calls")["calls"].get(operation, 0))
