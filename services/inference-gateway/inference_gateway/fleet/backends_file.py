"""The front door's list of model-servers: YAML in a mounted ConfigMap, followed as it changes.

backends:
- {model: phi-3-mini-128k-instruct, namespace: default, workspace: w, address: w.default:29500}
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inference_gateway.fleet.place import Place

logger = logging.getLogger(__name__)
_FIELDS = ("model", "namespace", "workspace", "address")


class BackendsFileError(Exception):
    """The file, the entry, and what is wrong with it."""


def parse(text: str) -> tuple[Place, ...]:
    """Every entry's place; raises BackendsFileError. An empty file lists none."""
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BackendsFileError(f"not YAML: {error}") from None
    entries = content.get("backends") or [] if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise BackendsFileError("it must be a mapping with a list named 'backends'")
    return tuple(_place(index, entry) for index, entry in enumerate(entries))


def _place(index: int, entry: Any) -> Place:
    where = f"backends[{index}]"
    if not isinstance(entry, dict):
        raise BackendsFileError(f"{where} must be a mapping with {', '.join(_FIELDS)}")
    for name in _FIELDS:
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise BackendsFileError(f"{where}.{name}={entry.get(name)!r}: a text is needed")
    if ":" not in entry["address"]:
        raise BackendsFileError(f"{where}.address={entry['address']!r}: must be host:port")
    return Place(**{name: entry[name] for name in _FIELDS})


@dataclass(slots=True)
class BackendsFile:
    """A file and the digest of what was last read from it.

    The content's digest decides, not the file's identity or time: kubelet swaps a symlink under
    the path.
    """

    path: Path
    digest: str = ""

    def changed(self) -> tuple[Place, ...] | None:
        """The places, if the content is new; raises BackendsFileError once per bad content."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            content, trouble = b"", error.strerror
        else:
            trouble = None
        digest = trouble or hashlib.sha256(content).hexdigest()
        if digest == self.digest:
            return None
        self.digest = digest
        if trouble:
            raise BackendsFileError(f"{self.path}: {trouble}")
        try:
            return parse(content.decode(errors="replace"))
        except BackendsFileError as error:
            raise BackendsFileError(f"{self.path}: {error}") from None


async def follow(
    file: BackendsFile, apply: Callable[[tuple[Place, ...]], None], interval_seconds: float
) -> None:
    """Applies the file's places whenever they change, for ever. A bad file changes nothing."""
    while True:
        try:
            places = await asyncio.to_thread(file.changed)
        except BackendsFileError as error:
            logger.error("backends file kept out", extra={"error": str(error)})
        else:
            if places is not None:
                apply(places)
        await asyncio.sleep(interval_seconds)
