"""Why the API server refused a write, as a reason that the status can show."""

from kaito_api.reasons import Reason
from kaito_kube.errors import ClusterError, Invalid, NotFound
from kaito_kube.kinds import NODE_POOL, Kind
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.observed import Refusal
from workspace_controller.plan.nodes.claim_status import missing_kind_message
from workspace_controller.plan.pods.forbidden import remedy_for

# In the words of Kubernetes' admission plugin NamespaceLifecycle.
_NAMESPACE_TERMINATING = "because it is being terminated"


def refusal_of(kind: Kind, error: ClusterError) -> Refusal:
    """What `error` means as the answer to a write to an object of that kind."""
    if isinstance(error, NotFound) and kind in CLAIM_KINDS:
        return Refusal(
            reason=Reason.PROVISIONER_MISSING, message=f"{missing_kind_message(kind)} ({error})"
        )
    # A CRD from before static NodePools (Karpenter 1.8) does not have the field spec.replicas.
    if isinstance(error, Invalid) and kind is NODE_POOL and ".spec.replicas" in str(error):
        return Refusal(reason=Reason.PROVISIONER_TOO_OLD, message=f"{kind}: {error}")
    message = f"{kind}: {error}"
    if _NAMESPACE_TERMINATING in message:
        return Refusal(reason=Reason.NAMESPACE_TERMINATING, message=message)
    if (remedy := remedy_for(message)) is not None:
        return Refusal(reason=Reason.ADMISSION_DENIED, message=f"{message}; {remedy}")
    return Refusal(reason=Reason.CLUSTER_UNAVAILABLE, message=message)
