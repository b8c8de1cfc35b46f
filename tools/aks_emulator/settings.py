"""What can be set about an emulator, and the command line options that set it."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.aks_emulator.core.place import Place
from tools.aks_emulator.web.ratelimits import Enforcement

LOCAL_HOSTS = ("172.30.0.1", "127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`home` keeps certificates and state. `subjects` empty federates every service account."""

    home: Path
    host: str = LOCAL_HOSTS[0]
    port: int = 8443
    place: Place = field(default_factory=Place)
    kubernetes_version: str = "1.36.3"
    operation_seconds: float = 2.0
    retry_after: int = 1
    page_size: int = 1000
    max_pools: int = 1000
    machines: bool = True
    subjects: tuple[str, ...] = ()
    enforcement: Enforcement = Enforcement.OFF

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name under which the server may be called."""
        return tuple(dict.fromkeys((self.host, *LOCAL_HOSTS)))

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"


def home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("KAITO_HOME") or "/var/lib/kaito-local") / "aks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `serve` and `up`; each default is that of `Settings`."""
    defaults = Settings(home=home(os.environ))
    parser.add_argument("--home", type=Path, default=defaults.home, help="certificates and state")
    parser.add_argument("--host", default=defaults.host, help="address to listen on")
    parser.add_argument("--port", default=defaults.port, type=int)
    parser.add_argument("--tenant", default=defaults.place.tenant)
    parser.add_argument("--subscription", default=defaults.place.subscription)
    parser.add_argument("--resource-group", default=defaults.place.resource_group)
    parser.add_argument("--cluster", default=defaults.place.cluster)
    parser.add_argument("--location", default=defaults.place.location)
    parser.add_argument("--kubernetes-version", default=defaults.kubernetes_version)
    parser.add_argument(
        "--operation-seconds", type=float, default=defaults.operation_seconds, metavar="S",
        help="how long an operation takes at least",
    )  # fmt: skip
    parser.add_argument(
        "--retry-after", type=int, default=defaults.retry_after, metavar="N",
        help="the pace asked of pollers in seconds, 0 for none",
    )  # fmt: skip
    parser.add_argument("--page-size", default=defaults.page_size, type=int, metavar="N")
    parser.add_argument("--max-pools", default=defaults.max_pools, type=int, metavar="N")
    parser.add_argument(
        "--no-machines", action="store_true",
        help="scale mode: no node ever joins, and assertions' signatures aren't checked",
    )  # fmt: skip
    parser.add_argument(
        "--subject", action="append", default=[], metavar="SUBJECT",
        help="a federated service account, system:serviceaccount:NAMESPACE:NAME (default: any)",
    )  # fmt: skip
    parser.add_argument(
        "--enforce-limits", action="store_true",
        help="refuse with 429 what Resource Manager and AKS would",
    )  # fmt: skip


def from_arguments(given: argparse.Namespace) -> Settings:
    return Settings(
        home=given.home,
        host=given.host,
        port=given.port,
        place=Place(
            tenant=given.tenant,
            subscription=given.subscription,
            resource_group=given.resource_group,
            cluster=given.cluster,
            location=given.location,
        ),
        kubernetes_version=given.kubernetes_version,
        operation_seconds=given.operation_seconds,
        retry_after=given.retry_after,
        page_size=given.page_size,
        max_pools=given.max_pools,
        machines=not given.no_machines,
        subjects=tuple(given.subject),
        enforcement=Enforcement.ON if given.enforce_limits else Enforcement.OFF,
    )
