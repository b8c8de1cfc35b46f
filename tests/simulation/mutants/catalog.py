"""All mutants."""

from tests.simulation.mutants import claim_mutants, cloud_mutants, process_mutants

MUTANTS = (*claim_mutants.MUTANTS, *cloud_mutants.MUTANTS, *process_mutants.MUTANTS)
