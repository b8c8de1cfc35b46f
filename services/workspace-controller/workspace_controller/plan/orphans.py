"""Deletes the claims of a Workspace that is gone, because nodes cost money.

A Workspace normally deletes its claims before its finalizer is removed. Somebody who removes the
finalizer by hand leaves them behind.
"""

from workspace_controller.observed import Absence
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.plan.plan import Delete


def decide_absence(absence: Absence) -> tuple[Delete, ...]:
    """Deletes all claims, unless the API server still has the Workspace."""
    return () if absence.workspace is not None else claims_to_delete(absence.claims)
