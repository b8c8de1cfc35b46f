"""Finds the preset that a user names, or reads a model of the hub as one."""

from collections.abc import Callable
from dataclasses import replace

from kaito_presets import catalog
from kaito_presets.hub.facts import read_model
from kaito_presets.hub.names import is_hub_name
from kaito_presets.hub.refusal import ModelRefusal
from kaito_presets.preset import Preset
from kubectl_kaito.errors import CommandError, NotFoundError
from kubectl_kaito.hub.source import ModelSource

_SUGGESTIONS = 3


def find_preset(name: str, hub: Callable[[], ModelSource]) -> Preset:
    """The preset with that name, alias or Hugging Face ID; otherwise the model of the hub.

    Raises:
        NotFoundError: there is none; names the closest one.
        CommandError: no engine serves the model, or the hub does not tell what it is.
    """
    presets = catalog.load()
    if (found := presets.find(name)) is not None:
        return found
    if is_hub_name(name.strip()):
        return _of_the_hub(name.strip(), hub())
    wanted = name.strip().lower()
    closest = presets.closest(name)
    near = (
        [closest] if closest else [p.name for p in presets.presets if wanted and wanted in p.name]
    )
    hint = f"did you mean {' or '.join(near[:_SUGGESTIONS])}? " if near else ""
    raise NotFoundError(f"{name!r} is not a preset: {hint}`kubectl kaito models` lists all of them")


def _of_the_hub(name: str, hub: ModelSource) -> Preset:
    model = read_model(hub.read(name))
    if isinstance(model, ModelRefusal):
        raise CommandError(model.message)
    return replace(model.preset, name=name)
