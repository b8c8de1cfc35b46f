"""Finds the preset that a user names."""

from kaito_presets import catalog
from kaito_presets.preset import Preset
from kubectl_kaito.errors import NotFoundError

_SUGGESTIONS = 3


def find_preset(name: str) -> Preset:
    """The preset with that name, alias or Hugging Face ID.

    Raises:
        NotFoundError: there is none; names the closest one.
    """
    presets = catalog.load()
    if (found := presets.find(name)) is not None:
        return found
    wanted = name.strip().lower()
    closest = presets.closest(name)
    near = (
        [closest] if closest else [p.name for p in presets.presets if wanted and wanted in p.name]
    )
    hint = f"did you mean {' or '.join(near[:_SUGGESTIONS])}? " if near else ""
    raise NotFoundError(f"{name!r} is not a preset: {hint}`kubectl kaito models` lists all of them")
