"""`python -m tests.simulation.mutants`: whether schedules, unit tests or both catch each mutant."""

import argparse
import sys

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import describe, hunt
from tests.simulation.mutants.unit_tests import fails_under


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    parser.add_argument("--unit", action="store_true", help="run only the unit tests")
    options = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
    survivors = 0
    for mutant in mutants:
        by_unit_test = bool(mutant.unit_test) and fails_under(mutant)
        caught = None if options.unit else hunt(mutant)
        survives_its_test = bool(mutant.unit_test) and not by_unit_test
        survives_its_schedules = bool(mutant.budget) and caught is None and not options.unit
        survivors += survives_its_test or survives_its_schedules
        print(describe(mutant, caught, by_unit_test=by_unit_test), flush=True)
    print(f"mutants: {len(mutants) - survivors} of {len(mutants)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
