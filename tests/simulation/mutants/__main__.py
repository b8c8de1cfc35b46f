"""`python -m tests.simulation.mutants`: at which schedule each mutant is caught, and by what."""

import sys

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt, told


def main() -> int:
    survivors = 0
    for mutant in MUTANTS:
        caught = hunt(mutant)
        survivors += caught is None
        print(told(mutant, caught), flush=True)
    print(f"mutants: {len(MUTANTS) - survivors} of {len(MUTANTS)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
