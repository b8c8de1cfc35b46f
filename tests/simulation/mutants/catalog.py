"""All mutants."""

from tests.simulation.mutants import (
    claim_mutants,
    cloud_mutants,
    data_check_mutants,
    execution_mutants,
    garbage_mutants,
    node_request_mutants,
    process_mutants,
)

MUTANTS = (
    *claim_mutants.MUTANTS,
    *execution_mutants.MUTANTS,
    *cloud_mutants.MUTANTS,
    *garbage_mutants.MUTANTS,
    *process_mutants.MUTANTS,
    *node_request_mutants.MUTANTS,
    *data_check_mutants.MUTANTS,
)
