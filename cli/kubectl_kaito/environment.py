"""What the verbs need from outside: clusters, the time, and where to print.

`Environment` is built once, in `__main__`; tests build one over fakes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

import typer

from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.dataset.checker import DatasetChecker
from kubectl_kaito.hub.source import ModelSource
from kubectl_kaito.prices.source import PriceSource
from kubectl_kaito.quotas.source import QuotaSource

if TYPE_CHECKING:
    # Reads references of images with a library that help does without.
    from kubectl_kaito.lineage.registries import Registries


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`connect` raises ClusterError or CommandError. `pause` waits that many seconds.

    `quotas` are those of a subscription.
    """

    connect: Callable[[ClusterChoice], Cluster]
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    prices: Callable[[], PriceSource]
    quotas: Callable[[str], QuotaSource]
    datasets: Callable[[], DatasetChecker]
    hub: Callable[[], ModelSource]
    registries: "Callable[[], Registries]"
    stdin: TextIO
    stdout: TextIO


def environment_of(context: typer.Context) -> Environment:
    found: Environment = context.obj
    return found
