"""What a mutant is: one real piece replaced by a wrong one."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.simulation.provisioner import Compose, compose
from tests.simulation.weather import Fault


def _nothing(_: pytest.MonkeyPatch) -> None:
    """For mutants that are composed in."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Either another composition, or, where production has no seat for the piece, an attribute
    that `put_in` replaces: the one place of the project where that is done. An attribute that does
    not exist is an error. `budget` is among how many schedules it must be caught; of these only
    those that know the fault `needs` are run, which no other could show it by."""

    name: str
    budget: int
    put_in: Callable[[pytest.MonkeyPatch], None] = _nothing
    put_together: Compose = compose
    needs: Fault | None = None
