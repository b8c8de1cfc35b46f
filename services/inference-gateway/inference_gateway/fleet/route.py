"""Which model-servers a request's `model` means. Pure: reads targets, calls nothing.

A name is, in this order: empty (the only workspace there is), namespace/workspace, a workspace,
a preset, an adapter. A workspace's name means its default model: the tuned one, where there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.errors import Problem, Refused, unavailable, unknown_model
from inference_gateway.fleet.target import Target


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model-server that can answer, and the name to ask it for."""

    target: Target
    served_model: str


def candidates(name: str, targets: Sequence[Target]) -> list[Candidate]:
    """All ready ones that serve `name`, the least busy first. Refused when there is none."""
    matching = _matching(name, targets)
    if not matching:
        raise Refused(unknown_model(name, names(targets)))
    ready = [candidate for candidate in matching if candidate.target.ready]
    if not ready:
        raise Refused(unavailable(_why_not(name, matching)))
    return sorted(ready, key=lambda candidate: candidate.target.in_flight)


def names(targets: Sequence[Target]) -> list[str]:
    """Every name that can be asked for without being ambiguous, sorted."""
    found = {target.place.label for target in targets if target.place.workspace}
    found |= {target.preset for target in targets}
    found |= {adapter.name for target in targets for adapter in target.adapters}
    return sorted(found - {""})


def _matching(name: str, targets: Sequence[Target]) -> list[Candidate]:
    if not name:
        return _only(targets)
    placed = [target for target in targets if target.place.label == name]
    placed = placed or _of_workspace(name, targets)
    if placed:
        return [Candidate(target, "") for target in placed]
    return [
        Candidate(target, name)
        for target in targets
        if name == target.preset or any(name == adapter.name for adapter in target.adapters)
    ]


def _only(targets: Sequence[Target]) -> list[Candidate]:
    if len({target.place.label for target in targets}) > 1:
        listed = ", ".join(names(targets))
        raise Refused(
            Problem(
                status=400,
                message=f"several models are served here; name one of them in 'model': {listed}",
                param="model",
                code="missing_required_parameter",
            )
        )
    return [Candidate(target, "") for target in targets]


def _of_workspace(name: str, targets: Sequence[Target]) -> list[Target]:
    found = [target for target in targets if target.place.workspace == name]
    labels = sorted({target.place.label for target in found})
    if len(labels) > 1:
        raise Refused(
            Problem(
                status=400,
                message=f"workspace {name!r} exists in several namespaces; "
                f"name one of them in 'model': {', '.join(labels)}",
                param="model",
                code="ambiguous_model",
            )
        )
    return found


def _why_not(name: str, matching: Sequence[Candidate]) -> str:
    reasons = "; ".join(
        f"{candidate.target.place.label}: "
        + (candidate.target.health.detail if not candidate.target.health.serving else "unreachable")
        for candidate in matching
    )
    return f"{name or 'the model'} is not ready: {reasons}"
