"""Makes the adapters that serve those that are wanted: pulls, checks, loads and unloads them.

Level-triggered: each step follows from the list and from what serves, so that it does not matter
which change woke it, or what an earlier process had done.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from model_server.adapters.registry import AdapterRegistry
from model_server.engine import AdapterSource
from model_server.errors import AdapterInvalid, InferenceError, ModelNotFound
from model_server.pulled_adapters.folders import AdapterFolders
from model_server.pulled_adapters.next_step import (
    Failure,
    Rest,
    Serve,
    Source,
    Step,
    Unload,
    next_step,
)
from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.wanted import (
    PulledAdapter,
    PulledState,
    WantedAdapter,
    WantedList,
)

logger = logging.getLogger(__name__)
# A registry that was away is asked again after this long.
_RETRY_SECONDS = 30.0


class PulledAdapters:
    """The wanted adapters, and their way into a registry. All calls come from one event loop.

    `stop_pulls` ends a pull that is under way in its thread.
    """

    def __init__(
        self,
        folders: AdapterFolders,
        stop_pulls: threading.Event,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._folders = folders
        self._stop_pulls = stop_pulls
        self._clock = clock or asyncio.get_running_loop().time
        self._registry: AdapterRegistry | None = None
        self._wanted: WantedList | None = folders.read_list()
        self._failures: dict[str, Failure] = {}
        self._set_lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def revision(self) -> str:
        """That of the list; empty before the first."""
        return self._wanted.revision if self._wanted else ""

    def report(self) -> tuple[PulledAdapter, ...]:
        """What became of each wanted adapter, ordered by name."""
        serving = self._serving()
        wanted = sorted(self._wanted.adapters if self._wanted else (), key=lambda a: a.name)
        return tuple(self._report(entry, serving.get(entry.name)) for entry in wanted)

    async def set(self, wanted: WantedList) -> None:
        """Want these adapters, and no others."""
        async with self._set_lock:
            await asyncio.to_thread(self._folders.store_list, wanted)
            self._wanted = wanted
            self._settled.clear()
            self._changed.set()

    async def wait_until_settled(self, first_list_seconds: float) -> None:
        """Wait until each wanted adapter serves or is rejected.

        Where there is no list yet, it has so many seconds to come: whoever sends it may be away,
        and the model answers without adapters, too.
        """
        if self._wanted is None:
            try:
                async with asyncio.timeout(first_list_seconds):
                    await self._changed.wait()
            except TimeoutError:
                if first_list_seconds:
                    logger.warning(
                        "nobody has said which adapters to pull; they follow when somebody does",
                        extra={"after_seconds": first_list_seconds},
                    )
                return
        await self._settled.wait()

    async def run(self, registry: AdapterRegistry) -> None:
        """Pull, load and unload, until it is canceled."""
        self._registry = registry
        try:
            while True:
                self._changed.clear()
                step = self._next_step()
                if isinstance(step, Rest):
                    if self._wanted is not None:
                        # At once: the list may change while the folders are removed.
                        self._settled.set()
                        await self._clean_up()
                    await self._wait(step.until)
                else:
                    await self._execute(step, registry)
        finally:
            self._stop_pulls.set()

    def _next_step(self) -> Step:
        if self._wanted is None:
            return Rest(None)
        wanted = {entry.name: entry for entry in self._wanted.adapters}
        return next_step(wanted, self._serving(), self._failures, self._clock())

    async def _wait(self, until: float | None) -> None:
        seconds = None if until is None else max(0.0, until - self._clock())
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _execute(self, step: Unload | Serve, registry: AdapterRegistry) -> None:
        if isinstance(step, Unload):
            with suppress(ModelNotFound):
                registry.discard(step.name)
            logger.info("adapter unloaded", extra={"adapter": step.name})
            return
        entry = step.entry
        try:
            folder = await asyncio.to_thread(self._folders.fetch, entry)
            source = AdapterSource(name=entry.name, path=folder, strength=entry.strength)
            image = self._folders.image_of(entry.folder_name)
            await registry.put(source, image)
        except PullFailed as error:
            self._fail(entry, error.message, retryable=error.retryable, unverified=error.unverified)
        except OSError as error:
            self._fail(entry, f"{entry.image} cannot be stored: {error}", retryable=True)
        except AdapterInvalid as error:
            # A corrected image may come under the same tag, so this one is not kept. But another
            # name, or the same at its old strength, can serve it: engines read files again.
            if entry.folder_name not in self._folders_in_use():
                await asyncio.to_thread(self._folders.drop, entry.folder_name)
            cause = error.message.replace(str(self._folders.root / entry.folder_name), entry.image)
            self._fail(entry, cause, retryable=False)
        except InferenceError as error:
            self._fail(entry, error.message, retryable=True)
        except Exception as error:
            # A defect of this server must not keep the other adapters from being served.
            logger.exception("an adapter could not be served", extra={"adapter": entry.name})
            self._fail(entry, f"{entry.image} is not served: {error!r}", retryable=True)
        else:
            self._failures.pop(entry.name, None)
            logger.info("adapter pulled and loaded", extra={"adapter": entry.name, "image": image})

    def _fail(
        self, entry: WantedAdapter, cause: str, *, retryable: bool, unverified: bool = False
    ) -> None:
        retry_at = self._clock() + _RETRY_SECONDS if retryable else None
        before = self._failures.get(entry.name)
        self._failures[entry.name] = Failure(
            entry=entry, cause=cause, retry_at=retry_at, unverified=unverified
        )
        if self._registry is not None:
            self._registry.reject(entry.name, self._folders.root / entry.folder_name, cause)
        if before is None or before.cause != cause:
            logger.error("adapter rejected: %s", cause, extra={"adapter": entry.name})

    def _serving(self) -> dict[str, Source]:
        """The pulled adapters that serve; others are of no concern here."""
        if self._registry is None:
            return {}
        return {
            each.source.name: Source(each.source.path.name, each.source.strength)
            for each in self._registry.loaded()
            if each.source.path.parent == self._folders.root
        }

    def _folders_in_use(self) -> frozenset[str]:
        return frozenset(source.folder_name for source in self._serving().values())

    def _report(self, entry: WantedAdapter, source: Source | None) -> PulledAdapter:
        folder = source.folder_name if source else ""
        image = self._folders.image_of(folder) if folder else ""
        signed_by = self._folders.signer_of(folder) if folder else ""
        if source == Source(entry.folder_name, entry.strength):
            state = PulledState.SERVING
            return PulledAdapter(name=entry.name, state=state, image=image, signed_by=signed_by)
        failure = self._failures.get(entry.name)
        if failure is not None and failure.entry == entry:
            return PulledAdapter(
                name=entry.name,
                state=PulledState.REJECTED,
                image=image,
                cause=failure.cause,
                unverified=failure.unverified,
                signed_by=signed_by,
            )
        return PulledAdapter(name=entry.name, state=PulledState.PENDING, image=image)

    async def _clean_up(self) -> None:
        """Forget what nobody wants."""
        wanted = self._wanted.adapters if self._wanted else ()
        gone = self._failures.keys() - {entry.name for entry in wanted}
        for name in gone:
            del self._failures[name]
        if self._registry is not None:
            self._registry.forget_rejected(gone)
        kept = {*(entry.folder_name for entry in wanted), *self._folders_in_use()}
        await asyncio.to_thread(self._folders.keep_only, kept)
