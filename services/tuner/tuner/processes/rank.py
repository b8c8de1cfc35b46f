"""Which of the processes of a training this one is. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# torchrun's variables, and the launcher's own.
_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
REPORTS, DEATHS = "KAITO_RANK_REPORTS", "KAITO_EARLIER_DEATHS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The process `number` of `size`, the `local`-th of `local_size` on its node.

    It leaves its failure in the directory `reports`; before it, `deaths` launches in a row were
    killed.
    """

    number: int
    local: int
    size: int
    local_size: int
    reports: Path
    deaths: int = 0

    @property
    def reporting(self) -> bool:
        """The first process writes progress, checkpoints and the adapter; the others are silent."""
        return self.number == 0

    @property
    def first_on_node(self) -> bool:
        return self.local == 0

    @property
    def nodes(self) -> int:
        """How many nodes train; all of them run as many processes."""
        return self.size // self.local_size

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Rank | None":
        """None in a process that the launcher has not started."""
        if REPORTS not in environ:
            return None
        number, local, size, local_size = (int(environ[name]) for name in _TORCHRUN)
        return cls(
            number=number,
            local=local,
            size=size,
            local_size=local_size,
            reports=Path(environ[REPORTS]),
            deaths=int(environ.get(DEATHS, "0")),
        )
