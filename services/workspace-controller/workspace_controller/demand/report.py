"""A gateway's report as a value, and what makes it unusable. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from workspace_controller.demand.counters import Counters

MAX_NAME, MAX_EPOCH = 253, 64
# What a float counts exactly, and more than any gateway does.
MAX_COUNT = 2**53
# As many Workspaces as anybody has tried, and more than 10 MB of counters is no demand.
MAX_MODELS = 10_000
_MODEL = re.compile(r"[a-z0-9.-]{1,63}/[a-z0-9.-]{1,253}")


class InvalidReport(ValueError):
    """The report breaks the contract. The message names field and value."""


class UnknownGateway(Exception):
    """The sums do not have what the report builds on: the gateway has to report everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one process of a gateway says of the models whose counters changed.

    `uptime_seconds` are since it started, by its own clock. `first` says that it begins a stream,
    and so has all models; `last` that the gateway stops.
    """

    gateway: str
    epoch: str
    uptime_seconds: float
    models: Mapping[str, Counters] = field(default_factory=dict)
    first: bool = False
    last: bool = False


def check(report: Report) -> None:
    """Whether the sums can take the report.

    Raises:
        InvalidReport: they cannot.
    """
    if not 1 <= len(report.gateway) <= MAX_NAME:
        raise InvalidReport(f"gateway.name has {len(report.gateway)} characters: 1 to {MAX_NAME}")
    if not 1 <= len(report.epoch) <= MAX_EPOCH:
        raise InvalidReport(f"gateway.epoch has {len(report.epoch)} characters: 1 to {MAX_EPOCH}")
    if not 0 <= report.uptime_seconds < float("inf"):
        raise InvalidReport(f"uptime_seconds is {report.uptime_seconds}: not a time")
    if len(report.models) > MAX_MODELS:
        raise InvalidReport(f"models has {len(report.models)} entries: at most {MAX_MODELS}")
    for model, counters in report.models.items():
        _check_counters(model, counters)


def _check_counters(model: str, counters: Counters) -> None:
    if not _MODEL.fullmatch(model):
        raise InvalidReport(f"models has {model[:80]!r}: not namespace/name")
    if not 0 <= counters.held <= counters.unfinished:
        raise InvalidReport(
            f"{model}: arrived {counters.arrived}, finished {counters.finished} and held "
            f"{counters.held} contradict each other"
        )
    for each in fields(counters):
        count = getattr(counters, each.name)
        if not 0 <= count <= MAX_COUNT:
            raise InvalidReport(f"{model}: {each.name} is {count}: 0 to {MAX_COUNT}")
