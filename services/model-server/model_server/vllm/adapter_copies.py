"""Where vLLM reads an adapter from, and with which strength.

vLLM applies lora_alpha / r and knows no strength, reads the files again when its cache has dropped
the adapter, and shares prefixes between adapters of one name and path. So each load gets a copy of
its own with a scaled alpha, in a folder that both containers see. Without such a folder vLLM reads
the adapter where it lies, as a whole, by a spelling of the path that no other content has.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_server.adapters.adapter_files import CONFIG_FILE, WEIGHTS_FILE, digest
from model_server.engine import AdapterSource
from model_server.errors import AdapterInvalid

# As many bits of the digest as a path spells, in one or two characters each.
_SPELLED_BITS = 32


class AdapterCopies:
    """The private folder, or None for adapters that are read where they are."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._copies: dict[str, Path] = {}
        self._count = 0

    def clear(self) -> None:
        """Remove what an earlier process left."""
        if self._root:
            for left in self._root.glob("*.kaito-adapter"):
                shutil.rmtree(left, ignore_errors=True)

    def place(self, source: AdapterSource) -> AdapterSource:
        """The adapter as vLLM is to read it. Its files are those that are to be checked.

        Raises:
            AdapterInvalid: it cannot be copied, or has a strength and there is no folder.
        """
        if self._root is None:
            if source.strength != 1:
                raise AdapterInvalid(
                    f"adapter {source.name!r}: this model's engine applies adapters as a whole; "
                    f"set the strength to 1 in place of {source.strength:g}, or "
                    "KAITO_ENGINE_ADAPTERS_DIR to a folder that both containers see"
                )
            return source
        self._count += 1
        # A name of its own for each load, also for the same files: see above.
        # The name of the adapter alone may be as long as that of a folder.
        content = digest(source.path)[:12]
        folder = self._root / f"{source.name[:100]}-{content}-{self._count}.kaito-adapter"
        try:
            _copy(source, folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise AdapterInvalid(
                f"adapter {source.name!r}: its files cannot be copied to {folder}: {error}"
            ) from error
        self._copies[source.name] = folder
        return AdapterSource(name=source.name, path=folder)

    def remove(self, name: str) -> None:
        """Remove the copy of an adapter, if there is one."""
        if folder := self._copies.pop(name, None):
            shutil.rmtree(folder, ignore_errors=True)


def spell(path: Path, content: str) -> str:
    """The path, written as for no other content. `content` is a digest in hexadecimal digits."""
    bits = f"{int(content[: _SPELLED_BITS // 4], 16):0{_SPELLED_BITS}b}"
    return f"{path}/" + "".join("./" if bit == "1" else "/" for bit in bits)


def scale(config: Mapping[str, Any], strength: float) -> Mapping[str, Any]:
    """The configuration of the adapter at that strength."""
    alpha = config.get("lora_alpha")
    patterns = config.get("alpha_pattern") or {}
    return {
        **config,
        # PEFT's default; vLLM has none.
        "lora_alpha": (config["r"] if alpha is None else alpha) * strength,
        "alpha_pattern": {key: value * strength for key, value in patterns.items()},
        "target_modules": config.get("target_modules") or [],
    }


def _copy(source: AdapterSource, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if (source.path / name).is_file():
            shutil.copyfile(source.path / name, folder / name)
    file = folder / CONFIG_FILE
    try:
        scaled = scale(json.loads(file.read_text()), source.strength)
    # The check names what is wrong with it.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    file.write_text(json.dumps(scaled))
