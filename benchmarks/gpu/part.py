"""One part of the check: what it found, or why it was skipped or failed. Pure."""

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`lines` are its table, and `summary` is its last line."""

    name: str
    summary: str
    lines: tuple[str, ...] = ()
    skipped: bool = False
    failed: bool = False


def skipped(name: str, why: str) -> Part:
    return Part(name=name, summary=f"{name} skipped: {why}", skipped=True)


def failed(name: str, why: str) -> Part:
    return Part(name=name, summary=f"{name} failed: {why}", failed=True)


def verdict(where: str, seconds: float, parts: tuple[Part, ...]) -> str:
    """The last line of all."""
    measured = [part.name for part in parts if not (part.skipped or part.failed)]
    found = [f"{' and '.join(measured)} measured" if measured else "nothing measured"]
    for word, names in (
        ("skipped", [part.name for part in parts if part.skipped]),
        ("failed", [part.name for part in parts if part.failed]),
    ):
        if names:
            found.append(f"{' and '.join(names)} {word}")
    took = f" in {seconds:.0f} s" if measured else ""
    return f"gpu-check: {', '.join(found)}{took} ({where})"
