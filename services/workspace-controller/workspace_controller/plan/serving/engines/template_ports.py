"""The ports that the user's own pods declare. The template may hold anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_api.manifest import Opaque


@dataclass(frozen=True, slots=True)
class DeclaredPort:
    """A containerPort; `name` is empty where it has none."""

    container: str
    name: str
    number: int


def declared_ports(template: Opaque) -> tuple[DeclaredPort, ...]:
    """Those of the containers, in their order, and then those of the sidecars."""
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return ()
    return (*_ports(spec.get("containers")), *_ports(spec.get("initContainers"), sidecars=True))


def http_port(template: Opaque) -> int | None:
    """The port named http of the user's own pods, or their first port."""
    ports = declared_ports(template)
    named = next((port.number for port in ports if port.name == "http"), None)
    return named or next((port.number for port in ports), None)


def _ports(containers: object, *, sidecars: bool = False) -> Iterator[DeclaredPort]:
    for container in containers if isinstance(containers, list) else ():
        if not isinstance(container, dict):
            continue
        if sidecars and container.get("restartPolicy") != "Always":
            continue
        declared = container.get("ports")
        for port in declared if isinstance(declared, list) else ():
            number = port.get("containerPort") if isinstance(port, dict) else None
            if isinstance(number, int):
                yield DeclaredPort(
                    str(container.get("name") or ""), str(port.get("name") or ""), number
                )
