"""The front door's list of model-servers: a YAML file from a mounted ConfigMap.

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

from inference_gateway.endpoints.address import EndpointAddress, is_target
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)
_FIELDS = ("model", "namespace", "workspace", "address")


class BackendsFileError(Exception):
    """The file cannot be used. The message names file, entry and problem."""


def parse(text: str) -> tuple[EndpointAddress, ...]:
    """The address of every entry. An empty file lists none.

    Raises:
        BackendsFileError: the text is not YAML, or an entry lacks a field.
    """
    try:
        content = yaml.safe_load(text) or {}
    # A date that no calendar has is a ValueError of Python's.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BackendsFileError(f"not YAML: {error}") from None
    entries = content.get("backends") or [] if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise BackendsFileError("it must be a mapping with a list named 'backends'")
    return tuple(_parse_entry(index, entry) for index, entry in enumerate(entries))


def _parse_entry(index: int, entry: Any) -> EndpointAddress:
    where = f"backends[{index}]"
    if not isinstance(entry, dict):
        raise BackendsFileError(f"{where} must be a mapping with {', '.join(_FIELDS)}")
    for name in _FIELDS:
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise BackendsFileError(
                f"{where}.{name}={entry.get(name)!r}: must be a non-empty string"
            )
    if not is_target(entry["address"]):
        raise BackendsFileError(f"{where}.address={entry['address']!r}: must be host:port")
    return EndpointAddress(
        namespace=entry["namespace"],
        workspace=entry["workspace"],
        model=entry["model"],
        target=entry["address"],
    )


@dataclass(slots=True)
class BackendsFile:
    """A file and the digest of the content that was last read.

    The digest of the content decides whether it changed, not the file's identity or time: the
    kubelet updates a ConfigMap by swapping a symlink above the path.
    """

    path: Path
    digest: str = ""

    def read_if_changed(self) -> tuple[EndpointAddress, ...] | None:
        """The addresses if the content is new, else None.

        Raises:
            BackendsFileError: new content that cannot be used; raised once per content.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            content, failure = b"", error.strerror
        else:
            failure = None
        # A failure counts as content, so that it is raised once and not at every look.
        digest = failure or hashlib.sha256(content).hexdigest()
        if digest == self.digest:
            return None
        self.digest = digest
        if failure:
            raise BackendsFileError(f"{self.path}: {failure}")
        try:
            return parse(content.decode(errors="replace"))
        except BackendsFileError as error:
            raise BackendsFileError(f"{self.path}: {error}") from None


async def follow(
    file: BackendsFile,
    apply: Callable[[tuple[EndpointAddress, ...]], None],
    interval_seconds: float,
) -> None:
    """Applies the file's addresses whenever they change, forever, whatever goes wrong."""

    async def look_again_and_again() -> None:
        while True:
            await apply_if_changed(file, apply)
            await asyncio.sleep(interval_seconds)

    await retry_until_done(look_again_and_again, Exception, "follow the backends file", logger)


async def apply_if_changed(
    file: BackendsFile, apply: Callable[[tuple[EndpointAddress, ...]], None]
) -> None:
    """Applies the file's addresses if they are new.

    An unusable file is logged, and the last good addresses stay in use.
    """
    try:
        addresses = await asyncio.to_thread(file.read_if_changed)
    except BackendsFileError as error:
        logger.error(
            "backends file ignored; the last good one stays in use", extra={"error": str(error)}
        )
    else:
        if addresses is not None:
            apply(addresses)
