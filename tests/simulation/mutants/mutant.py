"""A mutant: the product with one part replaced by a wrong one."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.simulation.fault_injector import Fault
from tests.simulation.provisioner import Compose, compose


def _nothing(_: pytest.MonkeyPatch) -> None:
    """For mutants that need a different composition only."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Either a different composition, or an attribute that `apply` replaces.

    This is the only place of the project where product code is patched; patching an attribute that
    does not exist is an error. The mutant must be caught within `budget` schedules; 0 means that
    no schedule can show it. A budget is many times what was needed: every change of a controller
    changes all schedules. If it `needs` a fault, only schedules that enable this fault are run,
    because no other could catch it. `unit_test` is the test below `tests` that fails with it, empty
    where none does. A `rare` mutant needs so many schedules that only the program hunts it. One of
    `demand` is hunted in the schedules of clients, front doors and InferenceSets.
    """

    name: str
    budget: int
    apply: Callable[[pytest.MonkeyPatch], None] = _nothing
    composition: Compose = compose
    needs: Fault | None = None
    unit_test: str = ""
    rare: bool = False
    demand: bool = False
