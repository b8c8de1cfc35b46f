"""The registry of loaded adapters: their names, their users, and the default model.

Knows folders and names; what is inside an adapter's files is up to the engine.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path

from model_server.adapter_files import CONFIG_FILE, digest
from model_server.engine import AdapterInfo, AdapterSource, Engine
from model_server.errors import (
    AdapterExists,
    AdapterInvalid,
    AdapterRequired,
    EngineFailed,
    InferenceError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
)

logger = logging.getLogger(__name__)
_NAME = re.compile(r"[a-z0-9.-]{1,63}")
# The contract's strengths are float32, those of the settings are not.
_STRENGTH_TOLERANCE = 1e-6
# Repackaged weights of one model: Llama-2-7b-hf, Phi-3-mini-4k-instruct-bnb-4bit.
_PACKAGING = re.compile(r"(-(hf|unsloth|bnb|4bit|8bit|gptq|awq|fp8|bf16|fp16))+$")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A loaded adapter. `digest` is that of its files when they were read."""

    source: AdapterSource
    info: AdapterInfo
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedAdapter:
    """An adapter that was to be loaded at start, and why it was not."""

    name: str
    path: Path
    cause: str


@dataclass(slots=True)
class _Entry:
    adapter: Adapter
    users: int = 0
    unloading: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """Where adapters may be, how many may be loaded, and the reserved names."""

    root: Path
    base_model: str
    default_adapter: str | None
    max_adapters: int


class AdapterRegistry:
    """The adapters of one engine. All calls come from one event loop."""

    def __init__(self, engine: Engine, settings: AdapterSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._entries: dict[str, _Entry] = {}
        self._rejected: dict[str, RejectedAdapter] = {}
        # Loading and unloading take turns: two calls must not load the same name.
        self._change_lock = asyncio.Lock()

    @property
    def default_model(self) -> str:
        """The model that answers requests that name none."""
        return self._settings.default_adapter or self._settings.base_model

    def loaded(self) -> list[Adapter]:
        """All adapters that requests can name, ordered by name."""
        entries = sorted(self._entries.items())
        return [entry.adapter for _, entry in entries if not entry.unloading]

    def rejected(self) -> list[RejectedAdapter]:
        """The adapters that did not load at start, ordered by name."""
        return [each for _, each in sorted(self._rejected.items())]

    async def load_all(self, strengths: Mapping[str, float]) -> None:
        """Load every folder of the adapter directory.

        An adapter that does not load is rejected, and the others are served: a request that names
        it fails with the cause, while all other requests have their answers.

        Raises:
            AdapterInvalid: the default adapter does not load. Requests that name no model would be
                answered by another one.
            EngineFailed: the engine broke.
        """
        root = self._settings.root
        folders = {path.parent.name: path.parent for path in root.glob(f"*/{CONFIG_FILE}")}
        default = self._settings.default_adapter
        required = set(strengths) | ({default} if default else set())
        for name in sorted(required | set(folders)):
            folder = folders.get(name, root / name)
            try:
                if name not in folders:
                    raise AdapterInvalid(
                        f"adapter {name!r} is named in the settings, but {folder} holds no "
                        f"{CONFIG_FILE}; found: {', '.join(sorted(folders)) or 'none'}"
                    )
                await self.load(name, str(folder), strengths.get(name, 1.0))
            except EngineFailed:
                raise
            except InferenceError as error:
                if name == default:
                    raise
                self._rejected[name] = RejectedAdapter(name=name, path=folder, cause=error.message)
                logger.error("adapter rejected: %s", error.message, extra={"adapter": name})

    async def load(self, name: str, path: str, strength: float) -> Adapter:
        """Load one adapter. Loading it again from the same, unchanged folder changes nothing.

        Raises:
            InvalidRequest: name, path or strength is out of bounds.
            AdapterExists: the name is taken, the adapter is loaded with another strength, or its
                files have changed since it was loaded.
            AdapterInvalid: the files are not an adapter of this model.
            Overloaded: the maximum number of adapters is loaded.
        """
        source = self._locate(name, path, strength)
        async with self._change_lock:
            content = await asyncio.to_thread(digest, source.path)
            if known := self._entries.get(name):
                return _loaded_before(known, source, content)
            if len(self._entries) >= self._settings.max_adapters:
                raise Overloaded(
                    f"{self._settings.max_adapters} adapters are loaded, the maximum that "
                    "KAITO_MAX_ADAPTERS allows; unload one first"
                )
            info = await self._engine.load_adapter(source)
            try:
                self._check_base_model(source, info)
                if await asyncio.to_thread(digest, source.path) != content:
                    raise AdapterInvalid(
                        f"adapter {name!r}: the files in {source.path} changed while they were "
                        "read; load it again once they are complete"
                    )
            except BaseException:
                await self._engine.unload_adapter(name)
                raise
            adapter = Adapter(source, info, content)
            self._entries[name] = _Entry(adapter)
            self._rejected.pop(name, None)
            return adapter

    async def unload(self, name: str) -> None:
        """Admit no new users, wait for the present ones, then unload the adapter.

        Raises:
            AdapterRequired: it is the default model.
            ModelNotFound: no such adapter is loaded.
        """
        if name == self._settings.default_adapter:
            raise AdapterRequired(
                f"adapter {name!r} is the default model; unset KAITO_DEFAULT_ADAPTER first"
            )
        entry = self._find(name)
        # From here on no new request finds the adapter.
        entry.unloading = True
        try:
            while entry.users:
                entry.idle.clear()
                await entry.idle.wait()
        except asyncio.CancelledError:
            # The caller gave up waiting, so the adapter serves again.
            entry.unloading = False
            raise
        async with self._change_lock:
            await self._engine.unload_adapter(name)
            del self._entries[name]

    def resolve(self, model: str) -> str | None:
        """The adapter that a model name refers to; None is the base model.

        Raises:
            ModelNotFound: no such model or adapter is loaded.
        """
        name = model or self.default_model
        if name == self._settings.base_model:
            return None
        self._find(name)
        return name

    @asynccontextmanager
    async def use(self, adapter: str | None) -> AsyncIterator[None]:
        """Keep an adapter loaded for as long as the context lasts.

        Raises:
            ModelNotFound: no such adapter is loaded.
        """
        if adapter is None:
            yield
            return
        entry = self._find(adapter)
        entry.users += 1
        try:
            yield
        finally:
            entry.users -= 1
            if not entry.users:
                entry.idle.set()

    def _check_base_model(self, source: AdapterSource, info: AdapterInfo) -> None:
        served = self._settings.base_model
        if _is_another_model(info.base_model, served):
            raise AdapterInvalid(
                f"adapter {source.name!r}: base_model_name_or_path = {info.base_model!r}, and this "
                f"server's base model is {served!r}; use an adapter of this model, or correct "
                f"{source.path / CONFIG_FILE} if both are the same model"
            )

    def _find(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None and (rejected := self._rejected.get(name)):
            raise ModelNotFound(f"model {name!r} is not loaded: {rejected.cause}")
        if entry is None or entry.unloading:
            known = [self._settings.base_model, *(each.source.name for each in self.loaded())]
            raise ModelNotFound(f"model {name!r} is not loaded; available: {', '.join(known)}")
        return entry

    def _locate(self, name: str, path: str, strength: float) -> AdapterSource:
        if not _NAME.fullmatch(name):
            raise InvalidRequest("name", name, "use 1 to 63 characters of a-z, 0-9, '-' and '.'")
        if name == self._settings.base_model:
            raise AdapterExists(f"{name!r} is the base model's name; choose another")
        if not 0 <= strength <= 1:
            raise InvalidRequest("strength", strength, "must be between 0 and 1")
        # Resolved, so that neither ".." nor a symlink leads out of the adapter directory.
        root = self._settings.root.resolve()
        try:
            folder = (root / (path or name)).resolve()
            is_adapter = (folder / CONFIG_FILE).is_file()
        except (OSError, ValueError):
            # Longer than the file system allows, or with a null character.
            raise InvalidRequest("path", path, "is no path of this file system") from None
        if root not in folder.parents:
            raise InvalidRequest("path", path or name, f"must lie below {root}")
        if not is_adapter:
            raise InvalidRequest("path", path or name, f"{folder} holds no {CONFIG_FILE}")
        return AdapterSource(name=name, path=folder, strength=strength)


def _loaded_before(entry: _Entry, source: AdapterSource, content: str) -> Adapter:
    """The adapter that a second load finds.

    Raises:
        AdapterExists: it is not exactly what the second load asks for.
    """
    adapter, loaded = entry.adapter, entry.adapter.source
    same_strength = isclose(loaded.strength, source.strength, rel_tol=_STRENGTH_TOLERANCE)
    if loaded.path != source.path or not same_strength or entry.unloading:
        raise AdapterExists(
            f"adapter {source.name!r} is served from {loaded.path} with strength "
            f"{loaded.strength:g}; unload it first"
        )
    if adapter.digest != content:
        raise AdapterExists(
            f"adapter {source.name!r} is served as its files in {loaded.path} were when it was "
            "loaded, and they have changed since; unload it first"
        )
    return adapter


def _is_another_model(declared: str, served: str) -> bool:
    """Whether an adapter's configuration names another base model than the one that is served.

    A model trained further has the shapes of its base, so shapes alone do not tell. A folder's path
    says where a trainer kept the model, not which one it was.
    """
    if not declared or declared.startswith(("/", ".", "~")) or "\\" in declared:
        return False
    return _model_key(declared) != _model_key(served)


def _model_key(name: str) -> str:
    """A model's name without organization, case and packaging."""
    return _PACKAGING.sub("", re.sub(r"[^a-z0-9]+", "-", name.rstrip("/").split("/")[-1].lower()))
