"""How messages name a data file: its name, its size, and where it comes from."""

from dataclasses import dataclass, replace
from typing import Self

from tuner.errors import RunError
from tuner.reasons import Reason

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLabel:
    """A data file, or a member of an archive. `origin` is its address, without secrets."""

    name: str
    size_bytes: int | None = None
    origin: str | None = None

    def __str__(self) -> str:
        details = []
        if self.size_bytes is not None:
            details.append(human_size(self.size_bytes))
        if self.origin:
            details.append(f"from {self.origin}")
        return f"data file {self.name}" + (f" ({', '.join(details)})" if details else "")

    def member(self, name: str, size_bytes: int | None) -> Self:
        """The label of the archive's member `name`."""
        return replace(self, name=f"{self.name}/{name}", size_bytes=size_bytes)

    def fault(self, problem: str, remedy: str) -> RunError:
        """A RunError(DATA_UNREADABLE): `problem` continues the sentence that the label begins."""
        # Libraries put line ends and what they found into their errors.
        problem = " ".join("".join(x if x.isprintable() else " " for x in problem).split())
        return RunError(Reason.DATA_UNREADABLE, f"{self} {problem}; {remedy}")


def human_size(size_bytes: int) -> str:
    """`size_bytes` with at most one decimal and a unit: "1.5 MiB"."""
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    if unit == 0:
        return "1 byte" if size_bytes == 1 else f"{size_bytes} bytes"
    return f"{size:.1f}".removesuffix(".0") + f" {UNITS[unit]}"


def excerpt(text: str | bytes, length: int = 60) -> str:
    """The beginning of `text` in quotes, with what cannot be printed escaped."""
    return repr(text[:length]) + ("…" if len(text) > length else "")
