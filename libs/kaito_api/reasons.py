"""The one table of reasons: what each means, and what its reader can do.

Conditions, events, the docs page and the services' error mapping all take their reasons from
here, so that a reason that is shown is a reason that is explained.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `permanent` failures do not go away by waiting."""

    code: str
    conditions: tuple[str, ...]
    meaning: str
    remedy: str = ""
    permanent: bool = False


MACHINE_READY: Final = "MachineReady"
NODE_CLAIM_READY: Final = "NodeClaimReady"
NODES_READY: Final = "NodesReady"
RESOURCE_READY: Final = "ResourceReady"
JOB_STARTED: Final = "JobStarted"
TUNING_SUCCEEDED: Final = "TuningSucceeded"
INFERENCE_READY: Final = "InferenceReady"
WORKSPACE_SUCCEEDED: Final = "WorkspaceSucceeded"
WORKSPACE_READY: Final = "WorkspaceReady"
WORKSPACE_DELETING: Final = "WorkspaceDeleting"

# Of Machines and NodeClaims; a Machine's carry the prefix Machine.
_LIFE = ("Launched", "Registered", "Initialized", "Ready")
_END = ("InstanceTerminating",)
# For reasons that no condition carries.
_EVENT = ("Event",)

_CLAIM = (MACHINE_READY, NODE_CLAIM_READY, RESOURCE_READY, *_LIFE)
_TUNING = (TUNING_SUCCEEDED, WORKSPACE_SUCCEEDED)
_INFERENCE = (INFERENCE_READY,)
_CONFIG = (RESOURCE_READY, WORKSPACE_SUCCEEDED)

_TABLE = (
    # Nodes
    Reason("NodesProvisioned", _CLAIM, "Every node that was asked for is there."),
    Reason("NodesReused", _CLAIM, "Ready nodes that match the selector serve; none was asked for."),
    Reason("CreatingNodes", _CLAIM, "Nodes were asked for and are being made.",
           "Wait: an AKS GPU node takes 3 to 10 minutes."),
    Reason("NodesNotReady", (NODES_READY, *_CLAIM),
           "Nodes exist, and not all of them are Ready with their GPUs advertised.",
           "kubectl describe node names the cause; a missing nvidia.com/gpu means that no device "
           "plugin runs there."),
    Reason("NodesReady", (NODES_READY, RESOURCE_READY), "All nodes are Ready with their GPUs."),
    Reason("NodesReleased", (*_CLAIM, NODES_READY),
           "The work is done, and the nodes were given back."),
    Reason("NotEnoughNodes", (NODES_READY, RESOURCE_READY),
           "Fewer nodes match the selector than are needed, and none may be asked for.",
           "Label more GPU nodes, or install with another nodeProvisioner than byo."),
    Reason("ProvisionerMissing", _CLAIM,
           "The cluster has no CRD of the kind that nodes are to be asked for with.",
           "Install gpu-provisioner or Karpenter, or set nodeProvisioner to byo."),
    Reason("ProvisionerTooOld", (RESOURCE_READY,),
           "The cluster's NodePools cannot have a fixed size.",
           "Install a Karpenter with static NodePools: core 1.8 or newer with the feature gate "
           "StaticCapacity."),
    Reason("QuotaExceeded", _CLAIM,
           "The subscription has too little quota left for the instance type.",
           "Ask for more quota of that family in that region, or use another instance type."),
    Reason("SkuNotAvailable", _CLAIM,
           "The instance type is not offered to this subscription in this region or zone.",
           "Ask for access to it, or use another instance type, region or zone."),
    Reason("SubscriptionDisabled", _CLAIM,
           "The subscription is disabled or read-only: it may buy nothing.",
           "Set it right in the Azure portal (bill, spending limit); it is tried again."),
    Reason("InsufficientCapacity", _CLAIM, "The cloud has no machine of that type left now.",
           "Wait, it is tried again; or use another instance type or zone."),
    Reason("CloudUnauthorized", (*_CLAIM, *_END), "The cloud refused the provisioner's identity.",
           "Give the identity of gpu-provisioner the Contributor role on the AKS cluster and check "
           "its federated credential."),
    Reason("CloudUnavailable", (*_CLAIM, *_END), "The cloud's API does not answer or throttles.",
           "Wait, it is tried again."),
    Reason("LaunchFailed", _CLAIM, "The cloud could not make the node.",
           "The message holds the cloud's own words."),
    Reason("RegistrationTimeout", _CLAIM, "The machine was made and never joined the cluster.",
           "It is replaced. If it happens again look at the network and the bootstrap logs of the "
           "agent pool's scale set."),
    Reason("SpotEvicted", _CLAIM,
           "Azure took the spot machine back, or its price passed the limit.",
           "It is replaced after a minute. Raise kaito.sh/spot-max-price, or use on-demand nodes "
           "for what must not be interrupted."),
    Reason("NodeGone", _CLAIM,
           "The node joined, and is no longer there; its agent pool is.",
           "It is replaced after gpu-provisioner.settings.nodeGoneTimeoutSeconds. If nobody "
           "deleted the Node look at the activity log of the pool's scale set."),
    Reason("LaunchTimeout", _CLAIM,
           "AKS has been making the agent pool for longer than launchTimeoutSeconds.",
           "AKS takes no other operation on it until that one ends, and a pool that ends without a "
           "machine is replaced. The pool's activity log says what it waits for; `az aks nodepool "
           "operation-abort` ends it."),
    Reason("PoolMissing", _CLAIM,
           "The agent pool of a machine that worked is in no listing of the cloud.",
           "After orphanGraceSeconds, and if the cloud says so when it is asked for that pool "
           "alone, the claim is given up and another is made."),
    Reason("NodeUnhealthy", _CLAIM, "The node was not Ready for nodeRepairTolerationSeconds.",
           "It is replaced. If it happens again kubectl describe node names the condition."),
    Reason("InitializationTimeout", _CLAIM,
           "The node joined, and never became Ready with its GPUs.",
           "Look at the device plugin's and the driver's pods on that node."),
    Reason("InvalidRequirements", _CLAIM, "The claim asks for what no agent pool can be.",
           "The message names the requirement, its value and what is allowed.", permanent=True),
    Reason("LaunchPending", ("Launched", "Ready"), "The agent pool is being made."),
    Reason("LaunchQueued", ("Launched", "Ready"),
           "The agent pool waits its turn: calls to Azure are paced, or AKS is busy with another "
           "operation on the cluster.",
           "Wait: the oldest goes first. gpu-provisioner.settings.armWritesPerMinute is the pace."),
    Reason("Launched", ("Launched",), "The agent pool is there."),
    Reason("RegistrationPending", ("Registered", "Ready"),
           "The machine has not joined the cluster yet.", "Wait: this takes a few minutes."),
    Reason("Registered", ("Registered",), "The machine joined the cluster."),
    Reason("InitializationPending", ("Initialized", "Ready"),
           "The node is not Ready yet, has startup taints, or lacks its GPUs.",
           "The message says which."),
    Reason("Initialized", ("Initialized",), "The node can be used."),
    Reason("Ready", ("Ready",), "The claim's node works."),
    Reason("NodeImageDrift", ("Drifted",), "There is a newer node image than the machine's.",
           "Nothing is done about it. Delete the claim when it suits, and another machine is made; "
           "or upgrade the agent pool with az aks nodepool upgrade --node-image-only."),
    Reason("KubernetesVersionDrift", ("Drifted",),
           "The cluster runs another version of Kubernetes than the machine.",
           "Nothing is done about it. Delete the claim when it suits, and another machine is made; "
           "or upgrade the agent pool with az aks nodepool upgrade."),
    Reason("Draining", ("Drained",), "The node's pods were asked to go and are going."),
    Reason("DrainBlocked", ("Drained",),
           "Pods do not leave the node: a disruption budget forbids it, or they carry "
           "karpenter.sh/do-not-disrupt.",
           "The message names them, and until when they are waited for. Give the budget room, take "
           "the annotation away, or delete the pods."),
    Reason("DrainTimeout", ("Drained",),
           "Pods were still there when the time for the drain was over, and go with the machine.",
           "Give the claim a longer terminationGracePeriod, or raise drainTimeoutSeconds."),
    Reason("Drained", ("Drained",), "No pod is left on the node that would be waited for."),
    Reason("InstanceTerminating", _END, "The cloud is taking the machine away."),
    Reason("TerminationQueued", _END,
           "The deletion of the agent pool waits its turn: calls to Azure are paced, or AKS is "
           "busy with another operation on the cluster.",
           "Wait: deletions go before launches."),
    Reason("TerminationFailed", _END, "The cloud did not delete the agent pool.",
           "It is asked again; the message holds the cloud's own words."),
    # Events alone
    Reason("Expired", _EVENT, "The claim was older than its expireAfter, and is replaced."),
    Reason("FailedDraining", _EVENT, "Pods hold a drain up; the condition Drained says which.",
           "See DrainBlocked."),
    Reason("TerminationGracePeriodExpiring", _EVENT,
           "The claim's terminationGracePeriod ends at the time in the message, and all pods of "
           "the node with it."),
    Reason("NodeRepairBlocked", _EVENT,
           "More than 20 % of the nodes do not work: none of them is replaced.",
           "Look for what they have in common: the network, a driver, a disruption of the region."),
    Reason("NodeWithoutPool", _EVENT,
           "A Node that works has neither claim nor agent pool.",
           "Its machine costs money. Look for it in the scale sets of the node resource group."),
    # Configuration
    Reason("PresetUnknown", _CONFIG, "No preset of that name.",
           "The message lists the nearest names; docs/reference/presets.md lists all.",
           permanent=True),
    Reason("PresetNotTunable", _CONFIG, "The preset cannot be fine-tuned.",
           "docs/reference/presets.md lists those that can.", permanent=True),
    Reason("InstanceTypeUnknown", _CONFIG, "The instance type is in no catalogue.",
           "Check its spelling; the message lists the nearest names.", permanent=True),
    Reason("InstanceTypeTooSmall", _CONFIG, "The model does not fit the instance type's GPUs.",
           "The message shows the arithmetic and names types that fit.", permanent=True),
    Reason("InstanceTypeRequired", _CONFIG, "resource.instanceType is missing.",
           "Set it, or install with nodeProvisioner byo.", permanent=True),
    Reason("InstanceTypeForbidden", _CONFIG,
           "resource.instanceType is set, and nodes are brought along (nodeProvisioner byo).",
           "Leave it out.", permanent=True),
    Reason("ConfigMapMissing", (*_CONFIG, INFERENCE_READY, JOB_STARTED),
           "A ConfigMap that the Workspace names does not exist or lacks its key.",
           "Create it in the Workspace's namespace with the key that the message names."),
    Reason("SecretMissing", (*_CONFIG, INFERENCE_READY, JOB_STARTED),
           "A Secret that the Workspace names does not exist or is of the wrong type.",
           "kubectl create secret docker-registry in the Workspace's namespace."),
    Reason("WorkspaceInvalid", _CONFIG, "The manifest does not fit the present schema.",
           "The message names each field; correct it and apply again.", permanent=True),
    # Tuning
    Reason("TuningPending", (JOB_STARTED, *_TUNING), "Training has not begun."),
    Reason("TuningRunning", (JOB_STARTED, *_TUNING), "The training pod runs."),
    Reason("TuningSucceeded", (JOB_STARTED, *_TUNING), "The adapter is in its registry."),
    Reason("DataUnreachable", _TUNING, "The data set could not be fetched.",
           "Check the URL from inside the cluster; it is tried again by itself."),
    Reason("DataNotParquet", _TUNING, "The data file is not what its name says, or no known form.",
           "Give a parquet (or jsonl, json, csv, arrow) file.", permanent=True),
    Reason("DataColumnMissing", _TUNING, "The data set lacks the columns that training needs.",
           "Give a column messages (or prompt and completion, or text).", permanent=True),
    Reason("DataEmpty", _TUNING, "The data set has no rows.", "Give at least one row.",
           permanent=True),
    Reason("DataTooLarge", _TUNING, "The data set is larger than the limit.",
           "Split it, or raise the chart's workspace-controller.settings.maxDataBytes.",
           permanent=True),
    Reason("ConfigInvalid", (*_TUNING, INFERENCE_READY),
           "The configuration file has an unknown key or a value that cannot be.",
           "The message names the key, its value and what is allowed.", permanent=True),
    Reason("ModelLoadFailed", (*_TUNING, INFERENCE_READY), "The base model could not be loaded.",
           "Check that the model image holds the model at its path.", permanent=True),
    Reason("OutOfMemory", (*_TUNING, INFERENCE_READY), "Memory of the GPU or the pod ran out.",
           "Use qlora, a smaller batch or shorter sequences, or a larger instance type.",
           permanent=True),
    Reason("TrainingFailed", _TUNING, "Training ended with an error.",
           "The message holds the last line; kubectl logs has the rest.", permanent=True),
    Reason("TrainingStopped", _TUNING, "Training was asked to stop; a checkpoint is kept."),
    Reason("PushUnauthorized", _TUNING, "The registry refused the push secret.",
           "Renew the Secret that tuning.output.imagePushSecret names; it is tried again."),
    Reason("RegistryUnreachable", (*_TUNING, INFERENCE_READY), "The registry does not answer.",
           "Check its address from inside the cluster; it is tried again by itself."),
    Reason("PushFailed", _TUNING, "The registry refused the image.",
           "The message holds the registry's own words."),
    # Inference
    Reason("InferenceReady", _INFERENCE, "The model answers."),
    Reason("InferencePending", _INFERENCE, "The model is not deployed yet."),
    Reason("ModelLoading", _INFERENCE, "The pod runs and the model is being loaded.",
           "Wait; the pod's log shows how far it is."),
    Reason("ImagePullFailed", (*_TUNING, INFERENCE_READY, JOB_STARTED),
           "An image cannot be pulled.",
           "Check its name, tag, and the pull secrets; it is tried again."),
    Reason("ContainerCrashed", (*_TUNING, INFERENCE_READY), "A container ends again and again.",
           "kubectl logs --previous shows why; the message holds the exit code."),
    Reason("Unschedulable", (JOB_STARTED, *_TUNING, INFERENCE_READY),
           "No node has room for the pod.",
           "The message holds the scheduler's own words; another workload may hold the GPU."),
    Reason("PodEvicted", (*_TUNING, INFERENCE_READY), "The pod was evicted.",
           "A new one is made; the message says why the node evicted it."),
    Reason("NotServed", _INFERENCE, "The Workspace serves nothing, as its annotation asks."),
    # The whole
    Reason("WorkspaceReady", (WORKSPACE_READY, WORKSPACE_SUCCEEDED), "The model answers."),
    Reason("WorkspaceSucceeded", (WORKSPACE_READY, WORKSPACE_SUCCEEDED),
           "The adapter was pushed, and nothing is to be served."),
    Reason("WorkspacePending", (WORKSPACE_READY, WORKSPACE_SUCCEEDED),
           "On its way; the other conditions say where."),
    Reason("WorkspaceFailed", (WORKSPACE_READY, WORKSPACE_SUCCEEDED),
           "Something failed that waiting does not mend.", "See the condition that the message "
           "names."),
    Reason("WorkspaceDeleting", (WORKSPACE_DELETING,),
           "Being deleted: workloads first, then nodes."),
    Reason("NameTaken", (RESOURCE_READY,),
           "An object that the Workspace needs exists by that name and is not its own.",
           "Delete that object, or give the Workspace another name."),
    Reason("ClusterUnavailable", (RESOURCE_READY,), "The API server refused a write.",
           "It is tried again; the message holds its words."),
)  # fmt: skip

REASONS: Final = {reason.code: reason for reason in _TABLE}


def reason(code: str) -> Reason:
    """The table's row. Raises KeyError for a reason that is not explained."""
    return REASONS[code]


def is_permanent(code: str) -> bool:
    """Whether waiting cannot mend it; unknown codes (another provisioner's) may pass."""
    row = REASONS.get(code)
    return row is not None and row.permanent
