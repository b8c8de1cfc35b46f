"""`python -m tests.simulation.mutants`: at which schedule each mutant is caught, and by what."""

import sys

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import CEILING, hunt


def main() -> int:
    survivors = 0
    for mutant in MUTANTS:
        caught = hunt(mutant)
        if caught is None:
            survivors += 1
            print(f"{'never':>8}  {mutant.name}: survived {CEILING} schedules", flush=True)
        else:
            first = caught.violations[0]
            print(f"{caught.seed + 1:8}  {mutant.name}: {first.verdict.value}", flush=True)
    print(f"mutants: {len(MUTANTS) - survivors} of {len(MUTANTS)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
