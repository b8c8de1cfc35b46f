"""`python -m tests.simulation.mutants`: whether schedules, unit tests or both catch each mutant."""

import argparse
import sys

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt
from tests.simulation.mutants.unit_tests import fails_under
from tests.simulation.mutants.verdict import Verdict, summary, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    parser.add_argument("--unit", action="store_true", help="run only the unit tests")
    options = parser.parse_args()
    verdicts: list[Verdict] = []
    for mutant in MUTANTS:
        if options.only in mutant.name:
            by_unit_test = bool(mutant.unit_test) and fails_under(mutant)
            caught = None if options.unit or not mutant.budget else hunt(mutant)
            verdicts.append(Verdict(mutant, caught, by_unit_test, unit_only=options.unit))
            print(verdicts[-1].details(), flush=True)
    print("", *table(verdicts), "", summary(verdicts), sep="\n")
    return 0 if all(verdict.is_caught for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
