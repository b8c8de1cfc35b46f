"""Keys, and gateways that ask for them, for the tests of the door."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from inference_gateway.backends.backend import Backend
from inference_gateway.keys.key_settings import KeySettings
from inference_gateway.settings import Settings
from kaito_keys.api_key import ApiKey, generate
from tests.inference_gateway.running import front_door_with, gateway, in_pod


def issue(folder: Path, **policy: Any) -> ApiKey:
    """A new key, whose document is in the folder."""
    folder.mkdir(exist_ok=True)
    key = generate()
    write(folder, key, **policy)
    return key


def write(folder: Path, key: ApiKey, **policy: Any) -> None:
    (folder / key.id).write_text(json.dumps({"hash": key.digest, **policy}))


def bearer(key: ApiKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.text}"}


def key_settings(folder: Path, **changes: Any) -> KeySettings:
    found = KeySettings(
        folder=folder / "keys", usage_file=folder / "usage.jsonl", interval_seconds=0.02
    )
    return replace(found, **changes)


def keyed_settings(folder: Path, **changes: Any) -> Settings:
    limits = in_pod(sse_keep_alive_seconds=0.02)
    return replace(limits, keys=key_settings(folder, **changes))


def usage(folder: Path) -> list[dict[str, Any]]:
    """The usage records so far."""
    return [json.loads(line) for line in (folder / "usage.jsonl").read_text().splitlines()]


@asynccontextmanager
async def keyed_gateway(
    folder: Path, backend: Backend, **changes: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway in a model's pod that asks for keys."""
    async with gateway(lambda _: backend, keyed_settings(folder, **changes)) as client:
        yield client


@asynccontextmanager
async def keyed_front_door(
    folder: Path, backends: Mapping[str, Backend], **changes: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a front door that asks for keys, once all models are ready."""
    settings = replace(Settings(), keys=key_settings(folder, **changes))
    async with front_door_with(settings, folder, backends, len(backends)) as client:
        yield client
