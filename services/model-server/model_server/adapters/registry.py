"""The registry of loaded adapters: their names, their users, and the default model.

Knows folders and names; what is inside an adapter's files is up to the engine.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import isclose
from pathlib import Path

from model_server.adapters.adapter_files import CONFIG_FILE, digest
from model_server.adapters.base_model_names import is_another_model
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
# As long as the names that a Workspace may give.
_NAME = re.compile(r"[a-z0-9.-]{1,253}")
# The contract's strengths are float32, those of the settings are not.
_STRENGTH_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Adapter:
    """A loaded adapter. `digest` is that of its files when they were read.

    `image` is what it was pulled from, by digest; empty for an adapter of a folder.
    """

    source: AdapterSource
    info: AdapterInfo
    digest: str
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedAdapter:
    """An adapter that was to be loaded, and why it was not."""

    name: str
    path: Path
    cause: str


@dataclass(slots=True)
class _Entry:
    """`engine_name` is what the engine calls the adapter."""

    adapter: Adapter
    engine_name: str
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

    def __init__(self, engine: Engine, settings: AdapterSettings, model_id: str = "") -> None:
        """`model_id` is the engine's own name of the base model."""
        self._engine = engine
        self._settings = settings
        # A user may serve a model by another name than that which its adapters declare.
        self._base_models = tuple(filter(None, (settings.base_model, model_id)))
        self._entries: dict[str, _Entry] = {}
        self._rejected: dict[str, RejectedAdapter] = {}
        # Replaced or unloaded, and waiting for their last users.
        self._leaving: dict[str, asyncio.Task[None]] = {}
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
        """The adapters that did not load, ordered by name."""
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
            entry = await self._load(source, content)
            self._entries[name] = entry
            self._rejected.pop(name, None)
            return entry.adapter

    async def put(self, source: AdapterSource, image: str) -> Adapter:
        """Serve a pulled adapter under its name, in place of the one that has it, if any.

        New requests get the new one at once, and those that run finish with the old one. If the new
        one does not load, the old one still serves. The folder may be anywhere.

        Raises:
            InferenceError: as in `load`.
        """
        name = source.name
        self._check_name(name, source.strength)
        async with self._change_lock:
            present = self._entries.get(name)
            if present is not None and not present.adapter.image:
                path = present.adapter.source.path
                raise AdapterExists(f"adapter {name!r} is served from {path}; rename one of them")
            content = await asyncio.to_thread(digest, source.path)
            entry = await self._load(source, content, image)
            # It may have been unloaded meanwhile.
            before = self._entries.get(name)
            self._entries[name] = entry
            self._rejected.pop(name, None)
        if before is not None:
            self._leave(before)
        return entry.adapter

    def reject(self, name: str, path: Path, cause: str) -> None:
        """Answer requests that name this adapter with the cause, unless it serves."""
        if name not in self._entries:
            self._rejected[name] = RejectedAdapter(name=name, path=path, cause=cause)

    def forget_rejected(self, names: Iterable[str]) -> None:
        """Report these names no longer."""
        for name in names:
            self._rejected.pop(name, None)

    async def _load(self, source: AdapterSource, content: str, image: str = "") -> _Entry:
        """Load an adapter under a name that the engine does not have yet."""
        in_engine = {each.engine_name for each in self._entries.values()} | set(self._leaving)
        replaces = source.name in self._entries
        if not replaces and len(self._entries) >= self._settings.max_adapters:
            raise Overloaded(
                f"{self._settings.max_adapters} adapters are loaded, the maximum that "
                "KAITO_MAX_ADAPTERS allows; unload one first"
            )
        engine_name = source.name
        if engine_name in in_engine:
            engine_name = f"{source.name}@{content[:12]}"
        while engine_name in in_engine:
            engine_name += "+"
        try:
            info = await self._engine.load_adapter(replace(source, name=engine_name))
        except AdapterInvalid as error:
            # The engine's name is nothing that a user knows.
            raise AdapterInvalid(error.message.replace(engine_name, source.name)) from error
        try:
            self._check_base_model(source, info)
            if await asyncio.to_thread(digest, source.path) != content:
                raise AdapterInvalid(
                    f"adapter {source.name!r}: the files in {source.path} changed while they were "
                    "read; load it again once they are complete"
                )
        except BaseException:
            await self._engine.unload_adapter(engine_name)
            raise
        return _Entry(Adapter(source, info, content, image), engine_name)

    def _leave(self, entry: _Entry) -> None:
        """Unload an adapter that no new request finds, once its users have ended."""

        async def leave() -> None:
            try:
                while entry.users:
                    entry.idle.clear()
                    await entry.idle.wait()
                async with self._change_lock:
                    await self._engine.unload_adapter(entry.engine_name)
            finally:
                self._leaving.pop(entry.engine_name, None)

        self._leaving[entry.engine_name] = asyncio.create_task(leave())

    async def close(self) -> None:
        """Wait no longer for the users of adapters that are to be unloaded."""
        for task in list(self._leaving.values()):
            task.cancel()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)

    def discard(self, name: str) -> None:
        """Admit no new users, and unload the adapter later, when the present ones have ended.

        Raises:
            ModelNotFound: no such adapter is loaded.
        """
        entry = self._find(name)
        del self._entries[name]
        self._leave(entry)

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
            await self._engine.unload_adapter(entry.engine_name)
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
    async def use(self, adapter: str | None) -> AsyncIterator[str | None]:
        """Keep an adapter loaded for as long as the context lasts, and yield its engine's name.

        Raises:
            ModelNotFound: no such adapter is loaded.
        """
        if adapter is None:
            yield None
            return
        entry = self._find(adapter)
        entry.users += 1
        try:
            yield entry.engine_name
        finally:
            entry.users -= 1
            if not entry.users:
                entry.idle.set()

    def _check_base_model(self, source: AdapterSource, info: AdapterInfo) -> None:
        served = self._settings.base_model
        if all(is_another_model(info.base_model, known) for known in self._base_models):
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

    def _check_name(self, name: str, strength: float) -> None:
        check_name(name, strength)
        if name == self._settings.base_model:
            raise AdapterExists(f"{name!r} is the base model's name; choose another")

    def _locate(self, name: str, path: str, strength: float) -> AdapterSource:
        self._check_name(name, strength)
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


def check_name(name: str, strength: float, field: str = "") -> None:
    """Check what a request says of an adapter. `field` is what its fields belong to.

    Raises:
        InvalidRequest: name or strength is out of bounds.
    """
    if not _NAME.fullmatch(name):
        problem = "use 1 to 253 characters of a-z, 0-9, '-' and '.'"
        raise InvalidRequest(f"{field}name", name, problem)
    if not 0 <= strength <= 1:
        raise InvalidRequest(f"{field}strength", strength, "must be between 0 and 1")
