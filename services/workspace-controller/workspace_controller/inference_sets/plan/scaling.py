"""Which replicas to create and to delete: the arithmetic of scaling and of a roll-out.

As in a Deployment's rolling update, but an old replica goes only when its successor serves: a
replica takes minutes to start, and its node is paid for.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kaito_api.inference_set import InferenceSetSpec
from kaito_api.reasons import Reason
from workspace_controller.inference_sets.plan.replica import Replica


@dataclass(frozen=True, slots=True)
class Hold:
    """Why replicas are not created that would be otherwise."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Scaling:
    """`creates` new replicas with the present template, and the names of those to delete."""

    creates: int = 0
    deletes: tuple[str, ...] = ()
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many replicas a roll-out may add, and how many may be missing."""

    surge: int
    unavailable: int


def decide_scaling(
    spec: InferenceSetSpec, replicas: Iterable[Replica], template_hash: str
) -> Scaling:
    """The next step towards `spec.replicas` replicas with the present template."""
    population = Population.of(spec, tuple(replicas), template_hash)
    step = _roll_out(spec, population) if population.replaceable else _scale(spec, population)
    return _within_node_limit(spec, population, step)


@dataclass(frozen=True, slots=True)
class Population:
    """`current` and `outdated` replicas are not being deleted. Of the outdated ones, `kept` stay as
    they are, and `leaving` are being deleted."""

    current: tuple[Replica, ...]
    outdated: tuple[Replica, ...]
    leaving: tuple[Replica, ...]
    kept: int
    all: tuple[Replica, ...]

    @staticmethod
    def of(
        spec: InferenceSetSpec, replicas: tuple[Replica, ...], template_hash: str
    ) -> "Population":
        outdated = tuple(r for r in replicas if r.template_hash != template_hash)
        present = tuple(r for r in outdated if not r.deleting)
        return Population(
            current=tuple(
                r for r in replicas if r.template_hash == template_hash and not r.deleting
            ),
            outdated=present,
            leaving=tuple(r for r in outdated if r.deleting),
            kept=min(len(present), _kept(spec, len(present))),
            all=replicas,
        )

    @property
    def alive(self) -> tuple[Replica, ...]:
        return (*self.current, *self.outdated)

    @property
    def serving(self) -> int:
        return sum(replica.serving for replica in self.alive)

    @property
    def replaceable(self) -> int:
        """The outdated replicas that are to be replaced."""
        return len(self.outdated) - self.kept

    @property
    def failed(self) -> Replica | None:
        """A replica with the present template that has failed."""
        return next((replica for replica in self.current if replica.failed), None)


def _kept(spec: InferenceSetSpec, outdated: int) -> int:
    strategy = spec.update_strategy
    return outdated if strategy.type == "OnDelete" else strategy.rolling_update.partition or 0


def _scale(spec: InferenceSetSpec, population: Population) -> Scaling:
    """Nothing is to be replaced: only the number matters."""
    excess = len(population.alive) - spec.replicas
    if excess <= 0:
        # The last step of a roll-out without a surge: the nodes of the old replica come first.
        waits = 0 if bounds_of(spec).surge else len(population.leaving)
        return Scaling(creates=max(-excess - waits, 0))
    outdated = frozenset(replica.name for replica in population.outdated)
    order = deletion_order(population.alive, outdated)
    return Scaling(deletes=tuple(replica.name for replica in order[:excess]))


def _roll_out(spec: InferenceSetSpec, population: Population) -> Scaling:
    wanted, bounds = spec.replicas, bounds_of(spec)
    failed = population.failed
    if failed is not None:
        # Nothing more is paid for a template that does not work, and no old replica goes for it.
        bounds = Bounds(surge=bounds.surge, unavailable=0)
    least = wanted - bounds.unavailable
    deletes = _outdated_to_delete(population, least, stopped=failed is not None)
    # What is left to take away of those that serve.
    spare = max(population.serving - least - sum(replica.serving for replica in deletes), 0)
    excess = len(population.current) - max(wanted - population.kept, 0)
    for replica in deletion_order(population.current)[: max(excess, 0)]:
        if not replica.serving:
            deletes.append(replica)
        elif spare:
            deletes.append(replica)
            spare -= 1
    names = tuple(replica.name for replica in deletes)
    if failed is not None:
        why = failed.message or "it has failed"
        return Scaling(deletes=names, hold=Hold(Reason.ROLL_OUT_FAILED, f"{failed.name}: {why}"))
    # A replica that is being deleted holds its nodes until it is gone, and so takes part in the
    # surge: no more nodes are paid for, and a quota that is just enough is enough.
    present = len(population.alive) + len(population.leaving)
    creates = min(-excess, wanted + bounds.surge - present)
    return Scaling(creates=max(creates, 0), deletes=names)


def _outdated_to_delete(population: Population, least: int, *, stopped: bool) -> list[Replica]:
    """Those that have failed, those that do not serve and are beyond what is needed, and as many of
    those that serve as there are others to serve in their place."""
    order = deletion_order(population.outdated)[: population.replaceable]
    failed = [] if stopped else [replica for replica in order if replica.failed]
    starting = sum(not replica.serving for replica in population.current)
    beyond = len(population.alive) - len(failed) - least - starting
    idle = [replica for replica in order if not replica.serving and replica not in failed]
    serving = [replica for replica in order if replica.serving]
    return [
        *failed,
        *idle[: max(beyond, 0)],
        *serving[: max(population.serving - least, 0)],
    ]


def deletion_order(
    replicas: Sequence[Replica], outdated: frozenset[str] = frozenset()
) -> list[Replica]:
    """Those that cost the least to lose first: failed, not serving, outdated, with the fewest
    requests in flight, newest. Unknown requests count as many."""
    newest_first = sorted(
        sorted(replicas, key=lambda replica: replica.name),
        key=lambda replica: replica.created,
        reverse=True,
    )
    return sorted(
        newest_first,
        key=lambda replica: (
            not replica.failed,
            replica.serving,
            replica.name not in outdated,
            math.inf if replica.requests is None else replica.requests,
        ),
    )


def bounds_of(spec: InferenceSetSpec) -> Bounds:
    """With a surge nothing is missing. Without one, at least one replica has to be."""
    rolling = spec.update_strategy.rolling_update
    surge = _count(rolling.max_surge, spec.replicas, math.ceil)
    if surge:
        return Bounds(surge, 0)
    return Bounds(0, max(_count(rolling.max_unavailable, spec.replicas, math.floor), 1))


def _count(value: int | str | None, replicas: int, rounded: Callable[[float], int]) -> int:
    """A number, or a percentage of the replicas; 1 by default."""
    if value is None:
        return 1
    if isinstance(value, str):
        return rounded(replicas * int(value.removesuffix("%")) / 100)
    return value


def _within_node_limit(spec: InferenceSetSpec, population: Population, step: Scaling) -> Scaling:
    limit = spec.node_count_limit or 0
    if not limit or not step.creates:
        return step
    used = sum(replica.nodes for replica in population.all)
    each = max((replica.nodes for replica in population.current), default=1)
    allowed = max((limit - used) // each, 0)
    if allowed >= step.creates:
        return step
    message = (
        f"spec.nodeCountLimit={limit}: the replicas have {used} nodes already, and another one "
        f"needs {each}; raise it, lower spec.replicas"
    )
    if population.replaceable:
        message += ", or set updateStrategy.rollingUpdate.maxSurge to 0"
    return Scaling(allowed, step.deletes, Hold(Reason.NODE_COUNT_LIMIT_REACHED, message))
