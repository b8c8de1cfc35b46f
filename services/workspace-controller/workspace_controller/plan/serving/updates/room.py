"""Whether a node holds the new pod beside the old one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from kaito_api.quantity import GIB
from kaito_api.quantity import parse as parse_quantity
from kaito_kube.kinds import Manifest
from kaito_presets.preset import Preset

_CPU, _MEMORY = "cpu", "memory"


def holds_two(nodes: Iterable[Manifest], pod_spec: Manifest, preset: Preset | None) -> bool:
    """Whether every node can run two of the pods. What a pod does not request is not known, so a
    pod that requests no CPU, or one of whose containers requests no memory, never has room.

    The pods of others are not counted: a pod that finds no room falls back to `Recreate`.
    """
    lasting = [_asked(container) for container in _lasting(pod_spec)]
    if not all(_MEMORY in asked for asked in lasting):
        return False
    try:
        needs = _sum(lasting)
        if preset is not None and needs.keys() <= {_CPU, _MEMORY}:
            # Without a GPU the weights are in the node's memory, whatever the pod requests.
            weights = Decimal(str(preset.weights_gib)) * GIB
            needs[_MEMORY] = max(needs.get(_MEMORY, Decimal(0)), weights)
        found = [_allocatable(node) for node in nodes]
    except ValueError:
        return False
    if not found or not needs.get(_CPU) or not needs.get(_MEMORY):
        return False
    return all(
        has.get(name, Decimal(0)) >= 2 * need for has in found for name, need in needs.items()
    )


def _lasting(pod_spec: Manifest) -> Iterator[Manifest]:
    """The containers that run at once."""
    init = pod_spec.get("initContainers") or ()
    yield from (each for each in init if each.get("restartPolicy") == "Always")
    yield from pod_spec.get("containers") or ()


def _asked(container: Manifest) -> Mapping[str, str]:
    """What a container requests; a limit counts where there is no request."""
    resources = container.get("resources") or {}
    return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}


def _sum(asked: Iterable[Mapping[str, str]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for each in asked:
        for name, quantity in each.items():
            total[name] += parse_quantity(quantity)
    return total


def _allocatable(node: Manifest) -> dict[str, Decimal]:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    return {name: parse_quantity(quantity) for name, quantity in allocatable.items()}
