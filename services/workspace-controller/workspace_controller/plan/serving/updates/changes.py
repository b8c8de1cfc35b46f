"""What differs between two configurations of a workload, in words.

Values of environment variables are left out: those of a user's own pods may be secret.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.controller_revision import Revision
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.manifests.mounted_adapters import mounted_volumes
from workspace_controller.manifests.serving_containers import MODEL_SERVER

# A condition's message and kubectl's column have room for this much.
_MAX_CHARACTERS = 500
# The variables of model-server that a user knows by another name.
_VARIABLES = {
    "KAITO_MODEL_NAME": "preset",
    "KAITO_MAX_MODEL_LEN": "max-model-len",
    "KAITO_ENGINE": "engine",
    "KAITO_DTYPE": "dtype",
    "KAITO_DEFAULT_ADAPTER": "default adapter",
    "KAITO_ADAPTER_STRENGTHS": "adapter strengths",
}


def describe_change(before: Revision, now: Revision) -> str:
    """The parts that differ, such as `image of engine: vllm:1 → vllm:2`."""
    found = [*_of_workload(before, now)]
    text = "; ".join(found) or "other fields of the pod"
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _of_workload(before: Revision, now: Revision) -> Iterator[str]:
    old, new = before.spec, now.spec
    if old.get("replicas") != new.get("replicas"):
        yield f"pods: {old.get('replicas')} → {new.get('replicas')}"
    old_pod, new_pod = _pod(old), _pod(new)
    old_containers, new_containers = _containers(old_pod), _containers(new_pod)
    yield from _model_and_adapters(old_pod, new_pod)
    for name in sorted(old_containers.keys() | new_containers.keys()):
        if name not in old_containers:
            yield f"container {name} is new"
        elif name not in new_containers:
            yield f"container {name} is gone"
        else:
            yield from _of_container(name, old_containers[name], new_containers[name])


def _of_container(name: str, old: Manifest, new: Manifest) -> Iterator[str]:
    if old.get("image") != new.get("image"):
        yield f"image of {name}: {old.get('image')} → {new.get('image')}"
    if difference := _of_arguments(old.get("args") or [], new.get("args") or []):
        what = "engine arguments" if name == ENGINE else f"arguments of {name}"
        yield f"{what}: {difference}"
    yield from _of_environment(name, _environment(old), _environment(new))
    if (old.get("resources") or {}) != (new.get("resources") or {}):
        yield f"resources of {name}"


def _of_arguments(old: list[str], new: list[str]) -> str:
    """Options by their name: what changed, `+` what is new, `-` what is gone."""
    before, now = _options(old), _options(new)
    parts = [
        f"{option} {before[option] or 'on'} → {now[option] or 'on'}"
        for option in now
        if option in before and before[option] != now[option]
    ]
    parts += [f"+ {_spell(option, now[option])}" for option in now if option not in before]
    parts += [f"- {_spell(option, before[option])}" for option in before if option not in now]
    return ", ".join(parts)


def _options(arguments: list[str]) -> dict[str, str]:
    """The value of each option; an argument without dashes belongs to the option before it."""
    options: dict[str, str] = {}
    last = ""
    for argument in arguments:
        if argument.startswith("--"):
            last, _, value = argument.partition("=")
            options[last] = value
        else:
            options[last] = f"{options.get(last, '')} {argument}".strip()
    return options


def _spell(option: str, value: str) -> str:
    return f"{option} {value}".strip()


def _of_environment(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    known = [key for key in changed if name == MODEL_SERVER and key in _VARIABLES]
    for key in known:
        yield f"{_VARIABLES[key]}: {old.get(key) or 'none'} → {new.get(key) or 'none'}"
    if others := [key for key in changed if key not in known]:
        yield f"environment of {name}: {', '.join(others)}"


def _model_and_adapters(old: Manifest, new: Manifest) -> Iterator[str]:
    before, now = _volumes(old), _volumes(new)
    if before.get("model") != now.get("model"):
        yield f"model: {_source(before.get('model'))} → {_source(now.get('model'))}"
    had, has = mounted_volumes(old), mounted_volumes(new)
    if added := [name for name in has if name not in had]:
        yield f"adapters: + {', '.join(added)}"
    if removed := [name for name in had if name not in has]:
        yield f"adapters: - {', '.join(removed)}"
    for name in has:
        if name in had and had[name] != has[name]:
            yield f"adapter {name}: {_source(had[name])} → {_source(has[name])}"


def _source(volume: Manifest | None) -> str:
    """Where the files of a volume come from."""
    if not volume:
        return "none"
    if image := volume.get("image"):
        return str(image.get("reference"))
    return next((key for key in volume if key != "name"), "none")


def _pod(spec: Manifest) -> Manifest:
    pod = (spec.get("template") or {}).get("spec")
    return pod if isinstance(pod, dict) else {}


def _containers(pod: Manifest) -> dict[str, Manifest]:
    every = (*(pod.get("initContainers") or ()), *(pod.get("containers") or ()))
    return {str(each.get("name")): each for each in every}


def _environment(container: Manifest) -> dict[str, Any]:
    variables = container.get("env") or ()
    return {str(each.get("name")): each.get("value", each.get("valueFrom")) for each in variables}


def _volumes(pod: Manifest) -> dict[str, Manifest]:
    return {str(each.get("name")): each for each in pod.get("volumes") or ()}
