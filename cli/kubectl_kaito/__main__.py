"""Builds the environment, runs a verb, and turns every error into one line and an exit code."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_kaito.app import app
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.dataset.checker import DatasetChecker
from kubectl_kaito.environment import Environment
from kubectl_kaito.errors import UsageError
from kubectl_kaito.failures import report
from kubectl_kaito.hub.source import ModelSource
from kubectl_kaito.prices.source import PriceSource
from kubectl_kaito.quotas.source import QuotaSource

if TYPE_CHECKING:
    from kubectl_kaito.lineage.registries import Registries


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], _environment()))


def run(arguments: Sequence[str], environment: Environment) -> int:
    """Runs one command and returns its exit code. Prints no traceback without KAITO_DEBUG."""
    try:
        _check_text(arguments)
        app(args=list(arguments), obj=environment, prog_name="kubectl kaito")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        return report(error, sys.stderr, debug=bool(os.environ.get("KAITO_DEBUG")))
    return 0


def _check_text(arguments: Sequence[str]) -> None:
    """What a terminal with another encoding sends can neither be sent on nor printed.

    Raises:
        UsageError: an argument is not UTF-8.
    """
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{argument!r} is not UTF-8: rename the file, or set the encoding of the terminal"
            ) from None


def _environment() -> Environment:
    return Environment(
        connect=_connect,
        now=_now,
        pause=time.sleep,
        prices=_prices,
        quotas=_quotas,
        datasets=_datasets,
        hub=_hub,
        registries=_registries,
        stdin=sys.stdin,
        stdout=sys.stdout,
    )


def _connect(choice: ClusterChoice) -> Cluster:
    # Half a second of imports, which help and `models` do without.
    from kubectl_kaito.cluster.kubernetes_cluster import connect

    return connect(choice)


def _prices() -> PriceSource:
    from kaito_skus.retail_prices import URL
    from kubectl_kaito.prices.cache import CachedPrices
    from kubectl_kaito.prices.retail import RetailPrices

    url = os.environ.get("KAITO_RETAIL_PRICES_URL") or URL
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return CachedPrices(RetailPrices(_now, url), Path(cache) / "kubectl-kaito" / "prices", _now)


def _quotas(subscription: str) -> QuotaSource:
    from kubectl_kaito.quotas.azure_cli import AzureCli

    return AzureCli(subscription)


def _datasets() -> DatasetChecker:
    from kubectl_kaito.dataset.tuner_reader import TunerReader

    return TunerReader()


def _hub() -> ModelSource:
    from kubectl_kaito.hub.client import ENDPOINT, HubClient

    endpoint = os.environ.get("HF_ENDPOINT") or ENDPOINT
    return HubClient(endpoint, os.environ.get("HF_TOKEN", "").strip())


def _registries() -> "Registries":
    from kubectl_kaito.lineage.http_registries import HttpRegistries

    return HttpRegistries(time.sleep)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
