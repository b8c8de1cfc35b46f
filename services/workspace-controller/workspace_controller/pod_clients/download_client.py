"""Asks the container that downloads a model how far it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workspace_controller.manifests.pods import METRICS_PORT
from workspace_controller.observed import ModelDownload
from workspace_controller.pod_clients import pod_pages

_MAX_BODY_BYTES = 4096


class DownloadClient(Protocol):
    """The seam to the program of the init container model-download."""

    async def get(self, address: str) -> ModelDownload | None:
        """The download in the pod at that IP address; None if it does not answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class HttpDownloadClient:
    """Only passes over a Workspace whose pod downloads its model call it."""

    port: int = METRICS_PORT

    async def get(self, address: str) -> ModelDownload | None:
        return await pod_pages.read(
            address,
            self.port,
            "/progress",
            _MAX_BODY_BYTES,
            lambda body: from_document(json.loads(body)),
        )


@dataclass
class FakeDownloadClient:
    """Answers for the addresses in `pods` and records those that it was asked for."""

    pods: Mapping[str, ModelDownload] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    async def get(self, address: str) -> ModelDownload | None:
        self.addresses.append(address)
        return self.pods.get(address)


def from_document(document: Any) -> ModelDownload:
    """The program's JSON as a value.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    remaining = document.get("remainingSeconds")
    return ModelDownload(
        done_bytes=_count(document.get("doneBytes")),
        total_bytes=_count(document.get("totalBytes")),
        remaining_seconds=float(_count(remaining)) if remaining is not None else None,
        problem=str(document.get("problem") or ""),
    )


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
