"""Validates a Workspace or an InferenceSet before the API server admits it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kaito_api.reasons import Reason
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Manifest
from workspace_controller.inference_sets.plan.candidate import (
    candidate,
    field_in_set,
    limit_problem,
)
from workspace_controller.inference_sets.plan.manifests import is_owned
from workspace_controller.observer import Observer
from workspace_controller.plan.admission_problems import admission_problems
from workspace_controller.plan.problem import Problem


@dataclass(frozen=True, slots=True)
class Validator:
    """Observes a candidate as a reconcile would, and decides by the same rules."""

    observer: Observer

    async def check(self, manifest: Manifest) -> Sequence[Problem]:
        """What is wrong with a Workspace or an InferenceSet that does not exist yet.

        Raises:
            ClusterError: an object that must be read could not be read.
        """
        if manifest.get("kind") == INFERENCE_SET.kind:
            return await self._check_set(manifest)
        return admission_problems(await self.observer.observe_candidate(manifest))

    async def _check_set(self, manifest: Manifest) -> Sequence[Problem]:
        """What would be wrong with each of its Workspaces."""
        if (limit := limit_problem(manifest)) is not None:
            return (limit,)
        workspace = candidate(manifest)
        if isinstance(workspace, str):
            return (Problem(Reason.INFERENCE_SET_INVALID, "spec", workspace),)
        found = admission_problems(await self.observer.observe_candidate(workspace))
        exists = any(is_owned(manifest, w) for w in self.observer.store.all(WORKSPACE))
        return tuple(
            replace(problem, field=field_in_set(problem.field))
            for problem in found
            # A changed template replaces replicas, whose nodes are in the sum. Passes keep the
            # budget: they see when a replica has released its nodes.
            if not (exists and problem.reason is Reason.BUDGET_EXCEEDED)
        )
