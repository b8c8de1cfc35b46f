"""Runs commands in this process, over a fake cluster, and returns what the user reads."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

from kaito_kube.errors import Unavailable
from kubectl_kaito.__main__ import run
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.dataset.fake import FakeChecker
from kubectl_kaito.environment import Environment
from kubectl_kaito.hub.fake import FakeModels
from kubectl_kaito.lineage.http_registries import HttpRegistries
from kubectl_kaito.prices.fake import FakePrices
from kubectl_kaito.prices.source import PriceSource
from kubectl_kaito.quotas.fake import FakeQuotas
from kubectl_kaito.quotas.source import QuotaSource

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def yaml(self) -> Any:
        return yaml.safe_load(self.out)


@dataclass
class Console:
    """`during_pause` runs whenever a command waits: the world goes on meanwhile."""

    cluster: Cluster = field(default_factory=FakeCluster)
    now: Callable[[], datetime] = lambda: NOW
    during_pause: Callable[[], None] = lambda: None
    choices: list[ClusterChoice] = field(default_factory=list)
    pauses: int = 0
    prices: PriceSource = field(default_factory=lambda: FakePrices(NOW, available=False))
    quotas: FakeQuotas = field(default_factory=FakeQuotas)
    datasets: FakeChecker = field(default_factory=FakeChecker)
    hub: FakeModels = field(default_factory=FakeModels)
    unreachable: bool = False
    stdin: str = ""

    def run(self, *arguments: str) -> Result:
        stdout, stderr = io.StringIO(), io.StringIO()
        environment = Environment(
            connect=self._connect,
            now=self.now,
            pause=self._pause,
            prices=lambda: self.prices,
            quotas=self._quotas,
            datasets=lambda: self.datasets,
            hub=lambda: self.hub,
            registries=lambda: HttpRegistries(self._pause),
            stdin=io.StringIO(self.stdin),
            stdout=stdout,
        )
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = run(arguments, environment)
        return Result(code, stdout.getvalue(), stderr.getvalue())

    def _connect(self, choice: ClusterChoice) -> Cluster:
        self.choices.append(choice)
        if self.unreachable:
            raise Unavailable("no cluster is configured")
        return self.cluster

    def _quotas(self, subscription: str) -> QuotaSource:
        self.quotas.subscriptions.append(subscription)
        return self.quotas

    def _pause(self, seconds: float) -> None:
        self.pauses += 1
        assert self.pauses < 1000, "the command waits forever"
        self.during_pause()
