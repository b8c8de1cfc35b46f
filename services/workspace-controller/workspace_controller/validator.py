"""Validates a Workspace before the API server admits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from kaito_kube.kinds import Manifest
from workspace_controller.observer import Observer
from workspace_controller.plan.admission_problems import admission_problems
from workspace_controller.plan.problem import Problem


@dataclass(frozen=True, slots=True)
class Validator:
    """Observes a candidate as a reconcile would, and decides by the same rules."""

    observer: Observer

    async def check(self, workspace: Manifest) -> Sequence[Problem]:
        """What is wrong with a Workspace that does not exist yet.

        Raises:
            ClusterError: an object that must be read could not be read.
        """
        return admission_problems(await self.observer.observe_candidate(workspace))
