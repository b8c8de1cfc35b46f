"""`python -m tests.simulation.mutants`: prints which schedule catches each mutant, and how."""

import sys

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import describe, hunt


def main() -> int:
    survivors = 0
    for mutant in MUTANTS:
        caught = hunt(mutant)
        survivors += caught is None
        print(describe(mutant, caught), flush=True)
    print(f"mutants: {len(MUTANTS) - survivors} of {len(MUTANTS)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
