"""The error of a deletion whose drain is blocked. Pure."""

import json
from collections.abc import Sequence

from tools.aks_emulator.core.model import Failure


def pod_drain_failure(node: str, pods: Sequence[str]) -> Failure:
    """AKS wraps the error of the drain into that of the deletion."""
    names = " ".join(pod.rpartition("/")[2] for pod in pods)
    inner = {
        "code": "PodDrainFailure",
        "message": f"Node '{node}' failed to be drained with error: 'Drain did not complete pods "
        f"[{names}] within 30m0s'. Check the PodDisruptionBudgets of these pods. See "
        "https://aka.ms/aks/debugdrainfailures.",
    }
    text = f"VMSSAgentPoolReconciler retry failed: {json.dumps(inner)}"
    return Failure("DeleteVMSSAgentPoolFailed", text)
