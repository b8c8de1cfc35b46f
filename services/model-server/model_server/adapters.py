"""Which adapters can be asked for by name, who is using them, and which name is the default.

Knows folders and names; what is inside an adapter's files is the engine's business.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from model_server.engine import AdapterFacts, AdapterSource, Engine
from model_server.errors import (
    AdapterExists,
    AdapterInvalid,
    AdapterRequired,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
)

CONFIG_FILE = "adapter_config.json"
_NAME = re.compile(r"[a-z0-9.-]{1,63}")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A loaded adapter: where it lies, how much of it is added, and what it says of itself."""

    source: AdapterSource
    facts: AdapterFacts


@dataclass(slots=True)
class _Served:
    adapter: Adapter
    users: int = 0
    leaving: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where adapters may lie, how many there may be, and the names that are spoken for."""

    root: Path
    base_model: str
    default: str | None
    most: int


class Adapters:
    """The adapters of one engine. All calls come from one event loop."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules
        self._served: dict[str, _Served] = {}
        self._changing = asyncio.Lock()

    @property
    def default_model(self) -> str:
        """The name that answers requests that name none."""
        return self._rules.default or self._rules.base_model

    def all(self) -> list[Adapter]:
        """Everything that can be asked for now, by name."""
        served = sorted(self._served.items())
        return [entry.adapter for _, entry in served if not entry.leaving]

    async def load_all(self, strengths: Mapping[str, float]) -> None:
        """Load every folder of the adapter directory; one that does not fit is an error.

        A workspace that lists an adapter must not be answered without it.
        """
        root = self._rules.root
        found = sorted(path.parent for path in root.glob(f"*/{CONFIG_FILE}"))
        names = {folder.name for folder in found}
        wanted = set(strengths) | ({self._rules.default} if self._rules.default else set())
        if missing := sorted(wanted - names):
            raise AdapterInvalid(
                f"adapter {missing[0]!r} is named in the settings, but {root / missing[0]} holds "
                f"no {CONFIG_FILE}; found: {', '.join(sorted(names)) or 'none'}"
            )
        for folder in found:
            await self.load(folder.name, str(folder), strengths.get(folder.name, 1.0))

    async def load(self, name: str, path: str, strength: float) -> Adapter:
        """Load one adapter; loading what is loaded from the same folder changes nothing."""
        source = self._locate(name, path, strength)
        async with self._changing:
            if known := self._served.get(name):
                if known.adapter.source.path == source.path and not known.leaving:
                    return known.adapter
                raise AdapterExists(
                    f"adapter {name!r} is served from {known.adapter.source.path}; unload it first"
                )
            if len(self._served) >= self._rules.most:
                raise Overloaded(
                    f"{self._rules.most} adapters are loaded, the most that KAITO_MAX_ADAPTERS "
                    "allows; unload one first"
                )
            adapter = Adapter(source, await self._engine.load_adapter(source))
            self._served[name] = _Served(adapter)
            return adapter

    async def unload(self, name: str) -> None:
        """Take no new users, wait for those there are, then forget the adapter."""
        if name == self._rules.default:
            raise AdapterRequired(
                f"adapter {name!r} is the default model; unset KAITO_DEFAULT_ADAPTER first"
            )
        entry = self._find(name)
        entry.leaving = True
        try:
            while entry.users:
                entry.idle.clear()
                await entry.idle.wait()
        except asyncio.CancelledError:
            entry.leaving = False
            raise
        async with self._changing:
            await self._engine.unload_adapter(name)
            del self._served[name]

    def choose(self, model: str) -> str | None:
        """The adapter that answers for a model's name; None is the base model alone."""
        name = model or self.default_model
        if name == self._rules.base_model:
            return None
        self._find(name)
        return name

    @asynccontextmanager
    async def use(self, adapter: str | None) -> AsyncIterator[None]:
        """Keep an adapter loaded as long as this lasts."""
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

    def _find(self, name: str) -> _Served:
        entry = self._served.get(name)
        if entry is None or entry.leaving:
            known = [self._rules.base_model, *(a.source.name for a in self.all())]
            raise ModelNotFound(f"model {name!r} is not loaded; there are: {', '.join(known)}")
        return entry

    def _locate(self, name: str, path: str, strength: float) -> AdapterSource:
        if not _NAME.fullmatch(name):
            raise InvalidRequest("name", name, "use 1 to 63 of a-z, 0-9, '-' and '.'")
        if name == self._rules.base_model:
            raise AdapterExists(f"{name!r} is the base model's name; choose another")
        if not 0 <= strength <= 1:
            raise InvalidRequest("strength", strength, "must be between 0 and 1")
        root = self._rules.root.resolve()
        folder = (root / (path or name)).resolve()
        if root not in folder.parents:
            raise InvalidRequest("path", path or name, f"must lie below {root}")
        if not (folder / CONFIG_FILE).is_file():
            raise InvalidRequest("path", path or name, f"there is no {CONFIG_FILE} in {folder}")
        return AdapterSource(name=name, path=folder, strength=strength)
