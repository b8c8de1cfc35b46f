"""The emulator's settings and their command line options."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.aks_emulator.core.resource_ids import ResourceIds
from tools.aks_emulator.web.rate_limits import Enforcement

# Of the command line.
PRICES_PORT = 8444
# The first one is the local cluster's bridge, which pods can reach; the others are for tests on the
# host.
LOCAL_HOSTS = ("172.30.0.1", "127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`home` holds certificates and state; empty `subjects` federate every service account."""

    home: Path
    host: str = LOCAL_HOSTS[0]
    port: int = 8443
    # That of the public price list, which speaks plain HTTP: it has no secrets. 0: none.
    prices_port: int = 0
    ids: ResourceIds = field(default_factory=ResourceIds)
    kubernetes_version: str = "1.36.3"
    operation_seconds: float = 2.0
    retry_after: int = 1
    page_size: int = 1000
    # AKS allows 100; benchmarks of the provisioner need more.
    max_pools: int = 1000
    machines: bool = True
    subjects: tuple[str, ...] = ()
    enforcement: Enforcement = Enforcement.OFF

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name that clients may use for the server."""
        return tuple(dict.fromkeys((self.host, *LOCAL_HOSTS)))

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"


def home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("KAITO_HOME") or "/var/lib/kaito-local") / "aks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `serve` and `up`, with the defaults of `Settings`."""
    defaults = Settings(home=home(os.environ))
    parser.add_argument(
        "--home", type=Path, default=defaults.home, help="folder for certificates and state"
    )
    parser.add_argument("--host", default=defaults.host, help="address to listen on")
    parser.add_argument("--port", default=defaults.port, type=int)
    parser.add_argument(
        "--prices-port", default=PRICES_PORT, type=int, metavar="PORT",
        help="plain HTTP port of the price list, 0 for none",
    )  # fmt: skip
    parser.add_argument("--tenant", default=defaults.ids.tenant)
    parser.add_argument("--subscription", default=defaults.ids.subscription)
    parser.add_argument("--resource-group", default=defaults.ids.resource_group)
    parser.add_argument("--cluster", default=defaults.ids.cluster)
    parser.add_argument("--location", default=defaults.ids.location)
    parser.add_argument("--kubernetes-version", default=defaults.kubernetes_version)
    parser.add_argument(
        "--operation-seconds", type=float, default=defaults.operation_seconds, metavar="S",
        help="minimum duration of an operation",
    )  # fmt: skip
    parser.add_argument(
        "--retry-after", type=int, default=defaults.retry_after, metavar="N",
        help="Retry-After in seconds for clients that poll, 0 for none",
    )  # fmt: skip
    parser.add_argument("--page-size", default=defaults.page_size, type=int, metavar="N")
    parser.add_argument("--max-pools", default=defaults.max_pools, type=int, metavar="N")
    parser.add_argument(
        "--no-machines", action="store_true",
        help="scale mode: no node ever joins, and token signatures are not checked",
    )  # fmt: skip
    parser.add_argument(
        "--subject", action="append", default=[], metavar="SUBJECT",
        help="a federated service account, system:serviceaccount:NAMESPACE:NAME (default: any)",
    )  # fmt: skip
    parser.add_argument(
        "--enforce-limits", action="store_true",
        help="reject calls with 429 where Resource Manager and AKS would",
    )  # fmt: skip


def from_arguments(options: argparse.Namespace) -> Settings:
    return Settings(
        home=options.home,
        host=options.host,
        port=options.port,
        prices_port=options.prices_port,
        ids=ResourceIds(
            tenant=options.tenant,
            subscription=options.subscription,
            resource_group=options.resource_group,
            cluster=options.cluster,
            location=options.location,
        ),
        kubernetes_version=options.kubernetes_version,
        operation_seconds=options.operation_seconds,
        retry_after=options.retry_after,
        page_size=options.page_size,
        max_pools=options.max_pools,
        machines=not options.no_machines,
        subjects=tuple(options.subject),
        enforcement=Enforcement.ON if options.enforce_limits else Enforcement.OFF,
    )
