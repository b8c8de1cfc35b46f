"""Decides what to do next so that the wanted adapters serve, and no others. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from model_server.pulled_adapters.wanted import WantedAdapter


@dataclass(frozen=True, slots=True)
class Source:
    """What an adapter that serves was loaded from: the name of its folder, and its strength."""

    folder_name: str
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an entry could not be served. `retry_at` is None where only another entry helps.

    `unverified`: for its signature.
    """

    entry: WantedAdapter
    cause: str
    retry_at: float | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Unload:
    """Unload an adapter that nobody wants any longer, or that the demanded keys did not sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Serve:
    """Pull an adapter, check it, and serve it in place of what has its name."""

    entry: WantedAdapter


@dataclass(frozen=True, slots=True)
class Rest:
    """Everything is done that can be done. `until` is the time of the next retry, if any."""

    until: float | None


Step = Unload | Serve | Rest


def next_step(
    wanted: Mapping[str, WantedAdapter],
    serving: Mapping[str, Source],
    failures: Mapping[str, Failure],
    now: float,
) -> Step:
    """The next step. Unloading comes first, because the number of adapters is limited."""
    for name in sorted(serving):
        if name not in wanted or not wanted[name].trusts(serving[name].folder_name):
            return Unload(name)
    retries: list[float] = []
    for name in sorted(wanted):
        entry = wanted[name]
        if serving.get(name) == Source(entry.folder_name, entry.strength):
            continue
        failure = failures.get(name)
        if failure is None or failure.entry != entry:
            return Serve(entry)
        if failure.retry_at is not None:
            if failure.retry_at <= now:
                return Serve(entry)
            retries.append(failure.retry_at)
    return Rest(min(retries, default=None))
