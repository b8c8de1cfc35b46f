"""All mutants."""

from tests.simulation.mutants import (
    asking_mutants,
    claim_mutants,
    cloud_mutants,
    deed_mutants,
    garbage_mutants,
    process_mutants,
)

MUTANTS = (
    *claim_mutants.MUTANTS,
    *deed_mutants.MUTANTS,
    *cloud_mutants.MUTANTS,
    *garbage_mutants.MUTANTS,
    *process_mutants.MUTANTS,
    *asking_mutants.MUTANTS,
)
