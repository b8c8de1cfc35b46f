"""The sums over all gateways: a pure fold of their reports. Moments are monotonic seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from workspace_controller.demand.counters import Counters, growth
from workspace_controller.demand.report import MAX_MODELS, Report, UnknownGateway

# A request takes at most as long (the gateway's requestTimeoutSeconds): what a gateway had when it
# was last heard has ended by then, whatever became of the gateway.
FORGET_SECONDS = 600.0
Process = tuple[str, str]
"""A gateway's name and epoch. Epochs differ only among gateways of one name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What one process of a gateway has counted since it started, as far as it was heard."""

    name: str
    epoch: str
    uptime_seconds: float
    heard_at: float
    models: Mapping[str, Counters] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Everything that is known of the demand: gateways by name and epoch, and totals by model.

    `totals` are what was counted since this controller first heard of each gateway.
    """

    gateways: Mapping[Process, Gateway] = field(default_factory=dict)
    totals: Mapping[str, Counters] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether any gateway counts. Without one, zero requests would be a guess."""
        return bool(self.gateways)

    def held(self, model: str) -> int:
        """Requests that wait now for a replica to be ready."""
        return sum(each.held for each in self._levels(model))

    def in_flight(self, model: str) -> int:
        """Requests that a replica is answering now."""
        return sum(each.in_flight for each in self._levels(model))

    def models(self) -> list[str]:
        """All models that anybody has asked for, sorted."""
        named = {model for each in self.gateways.values() for model in each.models}
        return sorted(named | set(self.totals))

    def _levels(self, model: str) -> list[Counters]:
        return [each.models[model] for each in self.gateways.values() if model in each.models]


def with_report(demand: Demand, report: Report, now: float) -> Demand:
    """The sums after a report; one that is older than what is known changes nothing.

    Raises:
        UnknownGateway: it has only what changed, and the rest is not known here, or is more than
            any gateway has: a full report drops what the gateway has forgotten.
    """
    process = (report.gateway, report.epoch)
    before = demand.gateways.get(process)
    if before is None and not report.first:
        raise UnknownGateway(report.gateway)
    if before is not None and report.uptime_seconds < before.uptime_seconds:
        return demand
    known = before.models if before is not None else {}
    gateway = Gateway(
        name=report.gateway,
        epoch=report.epoch,
        uptime_seconds=report.uptime_seconds,
        heard_at=now,
        models=report.models if report.first else {**known, **report.models},
    )
    if len(gateway.models) > MAX_MODELS:
        raise UnknownGateway(report.gateway)
    # What a gateway counted before it was known here is no growth.
    totals = demand.totals if before is None else _grown(demand.totals, known, report.models)
    # A process that takes a name over proves that the one before has ended, with all it had.
    others = _only(demand, lambda each: each.name != report.gateway).gateways
    now_there = others if report.last else {**others, process: gateway}
    return replace(demand, gateways=now_there, totals=totals)


def without_silent(demand: Demand, now: float) -> Demand:
    """The sums without the gateways whose requests have all ended since they were last heard."""
    return _only(demand, lambda each: now - each.heard_at <= FORGET_SECONDS)


def mean_requests(before: Demand, now: Demand, model: str) -> float | None:
    """The mean number of requests at once between two states of the sums; None where none knows.

    Exact for gateways that were heard in between, however short their requests. One that was not,
    or is new, counts with the requests that it has.
    """
    if not now.is_known:
        return None
    return sum(
        _mean(before.gateways.get(each), gateway, model) for each, gateway in now.gateways.items()
    )


def _mean(before: Gateway | None, now: Gateway, model: str) -> float:
    counters = now.models.get(model)
    if counters is None:
        return 0.0
    seconds = now.uptime_seconds - before.uptime_seconds if before is not None else 0.0
    if before is None or seconds <= 0:
        return float(counters.unfinished)
    known = before.models.get(model, Counters())
    grown = growth(known, counters)
    # Never more than all that were there: counters that contradict each other scale nothing up.
    most = max(known.unfinished + grown.arrived, counters.unfinished)
    return min(grown.request_seconds / seconds, float(most))


def _only(demand: Demand, stays: Callable[[Gateway], bool]) -> Demand:
    gateways = {key: each for key, each in demand.gateways.items() if stays(each)}
    return replace(demand, gateways=gateways)


def _grown(
    totals: Mapping[str, Counters], known: Mapping[str, Counters], reported: Mapping[str, Counters]
) -> Mapping[str, Counters]:
    """A model that a known gateway has not named before began there at zero.

    Names that come and go for years must not fill the memory: no more of them are totaled.
    """
    grown = {
        model: totals.get(model, Counters()) + growth(known.get(model, Counters()), counters)
        for model, counters in reported.items()
        if model in totals or len(totals) < MAX_MODELS
    }
    return {**totals, **grown}
