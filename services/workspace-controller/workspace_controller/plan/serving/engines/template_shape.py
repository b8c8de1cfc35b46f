"""What of the user's own pods has to have its form, because it is merged with what is added.

Everything else is the API server's to check.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_api.manifest import Opaque

_TEMPLATE = "inference.template"
_OBJECTS = ("affinity",)
_LISTS = ("containers", "initContainers", "tolerations", "volumes")


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What is wrong with a template, or with the annotation about it."""

    field: str
    message: str


def template_problems(template: Opaque) -> Iterator[TemplateProblem]:
    """The parts that are of another kind than the API's. What is missing or null is no problem."""
    metadata, spec = template.get("metadata"), template.get("spec")
    yield from _of_kind(f"{_TEMPLATE}.metadata", metadata, dict)
    yield from _of_kind(f"{_TEMPLATE}.spec", spec, dict)
    if isinstance(metadata, dict):
        yield from _of_kind(f"{_TEMPLATE}.metadata.labels", metadata.get("labels"), dict)
    if not isinstance(spec, dict):
        return
    for name in _OBJECTS:
        yield from _of_kind(f"{_TEMPLATE}.spec.{name}", spec.get(name), dict)
    for name in _LISTS:
        yield from _of_kind(f"{_TEMPLATE}.spec.{name}", spec.get(name), list)
    for name in ("containers", "initContainers"):
        yield from _container_problems(f"{_TEMPLATE}.spec.{name}", spec.get(name))


def _container_problems(field: str, containers: object) -> Iterator[TemplateProblem]:
    for index, container in enumerate(containers if isinstance(containers, list) else ()):
        if not isinstance(container, dict):
            continue
        name = container.get("name")
        if not isinstance(name, str) or not name:
            yield TemplateProblem(
                f"{field}[{index}].name", f"{repr(name)[:80]} is no name: give the container one"
            )
        mounts = container.get("volumeMounts")
        yield from _of_kind(f"{field}[{index}].volumeMounts", mounts, list)


def _of_kind(field: str, value: object, kind: type) -> Iterator[TemplateProblem]:
    if value is not None and not isinstance(value, kind):
        expected = "a list" if kind is list else "an object"
        message = f"{repr(value)[:80]} is not {expected}: correct it as the API of pods has it"
        yield TemplateProblem(field, message)
