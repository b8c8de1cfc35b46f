"""All mutants."""

from tests.simulation.mutants import (
    claim_mutants,
    cloud_mutants,
    data_check_mutants,
    demand_mutants,
    execution_mutants,
    garbage_mutants,
    node_request_mutants,
    offering_mutants,
    ownership_mutants,
    process_mutants,
    repair_mutants,
    rollout_mutants,
    termination_mutants,
)

MUTANTS = (
    *claim_mutants.MUTANTS,
    *execution_mutants.MUTANTS,
    *cloud_mutants.MUTANTS,
    *ownership_mutants.MUTANTS,
    *repair_mutants.MUTANTS,
    *termination_mutants.MUTANTS,
    *garbage_mutants.MUTANTS,
    *offering_mutants.MUTANTS,
    *process_mutants.MUTANTS,
    *node_request_mutants.MUTANTS,
    *rollout_mutants.MUTANTS,
    *data_check_mutants.MUTANTS,
    *demand_mutants.MUTANTS,
)
