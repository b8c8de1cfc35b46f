"""The engine in the user's own pods: a server that gets model-server and gateway beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kaito_api import labels
from kaito_api.manifest import Opaque
from kaito_presets.engine import ENGINES as PRESET_ENGINES
from workspace_controller.manifests.own_engine_pod import TMP_VOLUME, OwnEngine
from workspace_controller.manifests.pods import GRPC_PORT, HTTP_PORT, METRICS_PORT
from workspace_controller.manifests.serving_containers import GATEWAY, MODEL_SERVER
from workspace_controller.observed import Observed
from workspace_controller.plan.serving.engines.template_ports import DeclaredPort, declared_ports
from workspace_controller.plan.serving.engines.template_shape import TemplateProblem

# The engine, as model-server names it, and the name of the port by which it is found. The name of
# a port has at most 15 characters.
_PORT_NAMES: Mapping[str, str] = {"openai": "openai", "text-generation-server": "tgi"}
_KNOWN = " or ".join(_PORT_NAMES)
_OURS: Mapping[int, str] = {
    HTTP_PORT: GATEWAY,
    GRPC_PORT: MODEL_SERVER,
    METRICS_PORT: MODEL_SERVER,
}
ANNOTATION_FIELD = f"metadata.annotations[{labels.RUNTIME}]"
_TEMPLATE = "inference.template.spec"


def own_engine(observed: Observed) -> OwnEngine | None:
    """The engine of a Workspace; None where it has a preset, or pods that are no engine."""
    inference = observed.spec.inference if observed.spec is not None else None
    return find_own_engine(observed.annotations, inference.template if inference else None)


def find_own_engine(annotations: Mapping[str, str], template: Opaque | None) -> OwnEngine | None:
    """What the annotation names, or else what a port is named after.

    A name alone is a guess: pods beside which nothing can be put are served as they are.
    """
    if template is None:
        return None
    ports = declared_ports(template)
    named, model = annotations.get(labels.RUNTIME, ""), annotations.get(labels.ENGINE_MODEL, "")
    if named in _PORT_NAMES:
        port = _port_of(named, ports)
        return OwnEngine(named, port.container, port.number, model) if port is not None else None
    found = _named_port(ports)
    if found is None or any(_collisions(template, ports)):
        return None
    return replace(found, model=model)


def unused_engine_note(observed: Observed) -> str:
    """Why a port is named after an engine, and nothing is put beside it; empty otherwise."""
    inference = observed.spec.inference if observed.spec is not None else None
    template = inference.template if inference is not None else None
    if template is None or observed.annotations.get(labels.RUNTIME, "") in _PORT_NAMES:
        return ""
    ports = declared_ports(template)
    collision = next(_collisions(template, ports), None)
    if _named_port(ports) is None or collision is None:
        return ""
    return f"{MODEL_SERVER} and {GATEWAY} are not put beside it: {collision.message}"


def _named_port(ports: tuple[DeclaredPort, ...]) -> OwnEngine | None:
    for port in ports:
        for engine, name in _PORT_NAMES.items():
            if port.name == name:
                return OwnEngine(engine, port.container, port.number)
    return None


def is_own_engine(named: str) -> bool:
    """Whether the name is one of an engine in the user's own pods."""
    return named in _PORT_NAMES


def own_engine_problems(
    annotations: Mapping[str, str], template: Opaque
) -> Iterator[TemplateProblem]:
    """What is wrong with the engine in a template."""
    named = annotations.get(labels.RUNTIME, "")
    ports = declared_ports(template)
    if named and named not in (*_PORT_NAMES, *PRESET_ENGINES):
        yield TemplateProblem(
            ANNOTATION_FIELD,
            f"{named!r} is not an engine: set {_KNOWN}, or remove the annotation",
        )
        return
    if named in _PORT_NAMES and not ports:
        yield TemplateProblem(
            f"{_TEMPLATE}.containers",
            f"no containerPort, and {ANNOTATION_FIELD} is {named!r}: declare the port that the "
            f"server listens on, with the name {_PORT_NAMES[named]}",
        )
        return
    if named in _PORT_NAMES:
        yield from _collisions(template, ports)


def _collisions(template: Opaque, ports: tuple[DeclaredPort, ...]) -> Iterator[TemplateProblem]:
    """What of the pods has a port or a name that is added."""
    for port in ports:
        if (owner := _OURS.get(port.number)) is not None:
            yield TemplateProblem(
                f"{_TEMPLATE}.containers",
                f"container {port.container!r} has the containerPort {port.number}, on which "
                f"{owner} listens beside it: let the server listen on another port",
            )
    for name in sorted(_names(template, "containers", "initContainers") & {MODEL_SERVER, GATEWAY}):
        yield TemplateProblem(
            f"{_TEMPLATE}.containers",
            f"{name!r} is the name of a container that is added: use another",
        )
    if TMP_VOLUME in _names(template, "volumes"):
        yield TemplateProblem(
            f"{_TEMPLATE}.volumes",
            f"{TMP_VOLUME!r} is the name of a volume that is added: use another",
        )


def _names(template: Opaque, *parts: str) -> frozenset[str]:
    """The names in these lists of the pod. Containers that start and end share one set."""
    spec = template.get("spec")
    found: set[str] = set()
    for part in parts:
        listed = spec.get(part) if isinstance(spec, dict) else None
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and isinstance(name := each.get("name"), str):
                found.add(name)
    return frozenset(found)


def _port_of(engine: str, ports: tuple[DeclaredPort, ...]) -> DeclaredPort | None:
    """The port with the engine's name, or else that of HTTP, or else the first."""
    for name in (_PORT_NAMES[engine], "http"):
        if (found := next((port for port in ports if port.name == name), None)) is not None:
            return found
    return ports[0] if ports else None
