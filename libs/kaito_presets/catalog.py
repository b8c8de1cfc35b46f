"""The catalog of presets, looked up by name, alias or Hugging Face ID.

Loading it validates each file and checks that no two presets share a name.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from kaito_presets import preset_file
from kaito_presets.preset import Preset
from kaito_skus.records import DataError


@dataclass(frozen=True, slots=True)
class Catalog:
    """`by_name` maps every name of every preset, in lower case."""

    presets: tuple[Preset, ...]
    by_name: Mapping[str, Preset]

    def find(self, name: str) -> Preset | None:
        """The preset with that name, alias or Hugging Face ID, in any case."""
        return self.by_name.get(name.strip().lower())

    def closest(self, name: str) -> str | None:
        """The most similar preset name, for a "did you mean"."""
        # High enough to find typing mistakes only, not the names of other models.
        likely = difflib.get_close_matches(name.strip().lower(), self.by_name, n=1, cutoff=0.7)
        return self.by_name[likely[0]].name if likely else None


@cache
def load() -> Catalog:
    """The presets in the folder `models`.

    Raises:
        DataError: a file is invalid; names file, field and value.
    """
    folder = resources.files("kaito_presets") / "models"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name
    )
    return collect(preset_file.parse(file.name, file.read_text(encoding="utf-8")) for file in files)


def collect(presets: Iterable[Preset]) -> Catalog:
    """A catalog of these presets.

    Raises:
        DataError: two presets have the same name.
    """
    known = tuple(presets)
    by_name: dict[str, Preset] = {}
    for preset in known:
        for name in (preset.name, *preset.aliases, preset.hf_id.lower()):
            other = by_name.setdefault(name, preset)
            if other is not preset:
                raise DataError(
                    f"{preset.name}.yaml", "aliases", name, f"already belongs to {other.name}"
                )
    return Catalog(known, by_name)
