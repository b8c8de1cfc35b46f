"""What the webhook refuses: what a pass would report, and what a pass would not pay for."""

from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.spending import spending_problem
from workspace_controller.plan.nodes.wanted import wanted_nodes, wanted_size
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.validation import problems


def admission_problems(observed: Observed) -> tuple[Problem, ...]:
    found = problems(observed)
    if (spec := observed.spec) is None:
        return found
    nodes = wanted_nodes(observed, spec, wanted_size(observed, spec))
    spending = spending_problem(observed, spec, nodes)
    return found if spending is None else (*found, spending)
