"""`python -m tests.simulation.mutants`: whether schedules, unit tests or both catch each mutant."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import as_completed

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.unit_tests import fails_under
from tests.simulation.mutants.verdict import Catch, Verdict, summary, table
from tests.simulation.worker_pool import worker_pool


def main() -> int:
    options = _arguments()
    mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
    started_at = time.monotonic()
    verdicts = _judge_all(mutants, options.jobs, unit_only=options.unit)
    print("", *table(verdicts), "", sep="\n")
    print(f"{time.monotonic() - started_at:.0f} s on {options.jobs} processes")
    print(summary(verdicts))
    return 0 if all(verdict.is_caught for verdict in verdicts) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    parser.add_argument("--unit", action="store_true", help="run only the unit tests")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="number of processes")
    return parser.parse_args()


def _judge_all(mutants: Sequence[Mutant], jobs: int, *, unit_only: bool) -> list[Verdict]:
    """Return the verdicts in the order of the mutants. Those that may take longest start first."""
    verdicts: dict[str, Verdict] = {}
    with worker_pool(jobs) as pool:
        longest_first = sorted(mutants, key=lambda mutant: -mutant.budget)
        waiting = {pool.submit(_try, mutant.name, unit_only): mutant for mutant in longest_first}
        for done in as_completed(waiting):
            mutant, (caught, by_unit_test, seconds) = waiting[done], done.result()
            verdict = Verdict(mutant, caught, by_unit_test, unit_only=unit_only)
            verdicts[mutant.name] = verdict
            print(
                f"{len(verdicts)} of {len(mutants)}, {seconds:.0f} s, {verdict.details()}",
                flush=True,
            )
    return [verdicts[mutant.name] for mutant in mutants]


def _try(name: str, unit_only: bool) -> tuple[Catch | None, bool, float]:
    """Return what caught the mutant, whether its unit test did, and the seconds that it took.

    Mutants go by their names, because some cannot be sent to another process."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    started_at = time.monotonic()
    by_unit_test = bool(mutant.unit_test) and fails_under(mutant)
    outcome = None if unit_only or not mutant.budget else hunt(mutant)
    caught = None if outcome is None else Catch.of(outcome)
    return caught, by_unit_test, time.monotonic() - started_at


if __name__ == "__main__":
    sys.exit(main())
