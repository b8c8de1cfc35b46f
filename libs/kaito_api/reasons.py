"""Every reason that a condition or an event can have: what it means and what to do about it.

This is the only place that knows them. The controllers report nothing but members of `Reason`,
the reference page is generated from it, and contract tests hold the services that may not import
it to the same codes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from kaito_api import condition_types as types

# A claim's failure shows in every condition that waits for it, up to the Workspace's.
_CLAIM = (
    types.MACHINE_READY,
    types.NODE_CLAIM_READY,
    types.RESOURCE_READY,
    types.LAUNCHED,
    types.REGISTERED,
    types.INITIALIZED,
    types.READY,
)
_SPENDING = (
    types.MACHINE_READY,
    types.NODE_CLAIM_READY,
    types.NODES_READY,
    types.RESOURCE_READY,
)
_LAUNCHING = (types.LAUNCHED, types.READY)
_TERMINATING = (types.INSTANCE_TERMINATING,)
# What holds a claim's end up holds the Workspace's up.
_DELETING = (*_TERMINATING, types.WORKSPACE_DELETING)
_CONFIG = (types.RESOURCE_READY, types.WORKSPACE_SUCCEEDED)
_CHECK = (types.DATA_CHECKED,)
_TUNING = (types.TUNING_SUCCEEDED, types.WORKSPACE_SUCCEEDED)
# What the check on an ordinary node finds as well.
_DATA = (*_CHECK, *_TUNING)
_JOB = (types.JOB_STARTED, *_TUNING)
_INFERENCE = (types.INFERENCE_READY,)
_WORKSPACE = (types.WORKSPACE_READY, types.WORKSPACE_SUCCEEDED)
_SET = (types.INFERENCE_SET_READY,)
_ROLL_OUT = (types.ROLLED_OUT,)
_SCALING = (types.AUTOSCALING_ACTIVE,)
# A write that the API server refuses, for a Workspace or an InferenceSet.
_REFUSED = (types.RESOURCE_READY, types.INFERENCE_SET_READY)
# For reasons that appear in events only.
_EVENT = ("Event",)

_PERMANENT: Final = True


class Reason(StrEnum):
    """One member a reason; its value is the code that Kubernetes shows.

    `conditions` lists the condition types that can carry it ("Event": events only), `meaning` and
    `remedy` are sentences for the user, and `permanent` says that waiting does not help: the
    Workspace or its input has to change.
    """

    conditions: tuple[str, ...]
    meaning: str
    remedy: str
    permanent: bool

    def __new__(
        cls,
        code: str,
        conditions: tuple[str, ...],
        meaning: str,
        remedy: str = "",
        permanent: bool = False,
    ) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.conditions = conditions
        member.meaning = meaning
        member.remedy = remedy
        member.permanent = permanent
        return member

    # fmt: off
    # Nodes
    NODES_PROVISIONED = ("NodesProvisioned", _CLAIM, "Every requested node is ready.")
    NODES_REUSED = (
        "NodesReused", _CLAIM, "Ready nodes that match the selector are used; none was requested.")
    CREATING_NODES = (
        "CreatingNodes", _CLAIM, "Nodes were requested and are being created.",
        "Wait: an AKS GPU node takes 3 to 10 minutes.")
    NODES_NOT_READY = (
        "NodesNotReady", (types.NODES_READY, *_CLAIM),
        "Nodes exist, but not all of them are Ready with their GPUs advertised.",
        "kubectl describe node shows the cause; a missing nvidia.com/gpu means that no device "
        "plugin runs there.")
    WAITING_FOR_DATA_CHECK = (
        "WaitingForDataCheck",
        (types.MACHINE_READY, types.NODE_CLAIM_READY, types.NODES_READY, types.RESOURCE_READY),
        "No node is requested before the data of the run is checked.",
        "Wait; DataChecked shows what the check found.")
    QUEUED = (
        "Queued",
        (types.MACHINE_READY, types.NODE_CLAIM_READY, types.NODES_READY, types.RESOURCE_READY,
         *_JOB),
        "The run waits in a queue of Kueue, and no node is requested before it is admitted.",
        "Wait; `kubectl get workloads` shows its turn. If it never comes, check that Kueue is "
        "installed, that the namespace has the LocalQueue of the label kueue.x-k8s.io/queue-name, "
        "and that its ClusterQueue has quota for the GPUs.")
    PRICE_OVER_LIMIT = (
        "PriceOverLimit", _SPENDING,
        "The nodes cost more an hour than the annotation kaito.sh/max-price-per-hour of the "
        "Workspace allows, so none is requested. Nodes that exist stay.",
        "Raise the annotation, or use a cheaper resource.instanceType; the price is compared again "
        "every 30 seconds.")
    BUDGET_EXCEEDED = (
        "BudgetExceeded", _SPENDING,
        "With the nodes of this Workspace, the namespace would cost more an hour than its "
        "kaito.sh/max-price-per-hour allows, so none is requested. Nodes that exist stay.",
        "Delete a Workspace of the namespace, use a cheaper resource.instanceType, or raise the "
        "namespace's limit; the sum is compared again every 30 seconds.")
    BUDGET_INVALID = (
        "BudgetInvalid", _SPENDING,
        "The kaito.sh/max-price-per-hour of the Namespace is no amount, so no node is requested.",
        "Write US dollars per hour as a decimal number without a sign, for example 3.50.")
    PRICE_UNKNOWN = (
        "PriceUnknown", _SPENDING,
        "Nobody knows the price of the instance type, and a limit has to be kept.",
        "Use an instance type with a price, let the controller read Azure's price list "
        "(workspace-controller.settings.priceList), or remove the limit.")
    NODES_READY = (
        "NodesReady", (types.NODES_READY, types.RESOURCE_READY),
        "All nodes are Ready with their GPUs.")
    NODES_RELEASED = (
        "NodesReleased", (*_CLAIM, types.NODES_READY),
        "The work is done, and the nodes were released.")
    NOT_ENOUGH_NODES = (
        "NotEnoughNodes", (types.NODES_READY, types.RESOURCE_READY),
        "Fewer nodes match the selector than are needed, and none may be requested.",
        "Label more GPU nodes, or install with a nodeProvisioner other than byo.")
    PROVISIONER_MISSING = (
        "ProvisionerMissing", _CLAIM,
        "The cluster lacks the CRD that nodes are requested with.",
        "Install gpu-provisioner or Karpenter, or set nodeProvisioner to byo.")
    PROVISIONER_TOO_OLD = (
        "ProvisionerTooOld", (types.RESOURCE_READY,),
        "The cluster's NodePools cannot have a fixed size.",
        "Install a Karpenter with static NodePools: core 1.8 or newer with the feature gate "
        "StaticCapacity.")
    QUOTA_EXCEEDED = (
        "QuotaExceeded", _CLAIM,
        "The subscription has too little quota left for the instance type.",
        "Request more quota for that family in that region, or use another "
        "resource.instanceType.")
    SKU_NOT_AVAILABLE = (
        "SkuNotAvailable", _CLAIM,
        "The instance type is not offered to this subscription in this region or zone.",
        "Request access to it, or use another resource.instanceType, region or zone.")
    SUBSCRIPTION_DISABLED = (
        "SubscriptionDisabled", _CLAIM,
        "The subscription is disabled or read-only and cannot create anything.",
        "Fix the subscription in the Azure portal (billing, spending limit); the launch is "
        "retried automatically.")
    INSUFFICIENT_CAPACITY = (
        "InsufficientCapacity", _CLAIM, "The cloud has no machine of that type left right now.",
        "Wait: the launch is retried automatically. Or use another resource.instanceType or zone.")
    CLOUD_UNAUTHORIZED = (
        "CloudUnauthorized", (*_CLAIM, *_DELETING),
        "The cloud rejected the provisioner's identity.",
        "Give the identity of gpu-provisioner the Contributor role on the AKS cluster and check "
        "its federated credential.")
    POLICY_DENIED = (
        "PolicyDenied", (*_CLAIM, *_DELETING), "An Azure Policy forbids the request.",
        "Meet the policy that the message names: add the tags that it requires to "
        "gpu-provisioner.settings.agentPoolTags, use another resource.instanceType if it forbids "
        "the size, or ask its owner for an exemption. The request is retried at growing "
        "intervals.")
    SUBNET_UNAUTHORIZED = (
        "SubnetUnauthorized", (*_CLAIM, *_DELETING),
        "The identity may not use the subnet, or another resource that the agent pool needs.",
        "Give the client that the message names the role Network Contributor on the linked scope "
        "that it names.")
    SUBNET_FULL = (
        "SubnetFull", _CLAIM, "The nodes' subnet has too few free IP addresses.",
        "Free addresses, lower gpu-provisioner.settings.maxPods, or set "
        "gpu-provisioner.settings.nodeSubnetId to a larger subnet. Another size does not help.")
    LIMIT_REACHED = (
        "LimitReached", _CLAIM,
        "The subscription or the cluster has reached a limit that is not about vCPUs.",
        "Delete what is not used, or ask Azure's support for a higher limit. Another size does "
        "not help.")
    RESOURCE_LOCKED = (
        "ResourceLocked", (*_CLAIM, *_DELETING),
        "A lock on the cluster, or on a resource group of it, forbids the request.",
        "Remove the lock that the message names (az lock list, az lock delete); a machine is "
        "billed until then. The request is retried at growing intervals.")
    NODE_SETUP_FAILED = (
        "NodeSetupFailed", _CLAIM, "The machine started but could not set itself up as a node.",
        "Check that the subnet's firewall, proxy and DNS let nodes reach the addresses that AKS "
        "requires (https://aka.ms/aks-required-ports-and-addresses).")
    CLOUD_UNAVAILABLE = (
        "CloudUnavailable", (*_CLAIM, *_DELETING),
        "The cloud's API does not respond or throttles.",
        "Wait: the call is retried automatically.")
    LAUNCH_FAILED = (
        "LaunchFailed", _CLAIM, "The cloud could not create the node.",
        "The message includes the cloud's error.")
    REGISTRATION_TIMEOUT = (
        "RegistrationTimeout", _CLAIM, "The machine was created but never joined the cluster.",
        "It is replaced automatically. If it happens again, check the network and the bootstrap "
        "logs of the agent pool's scale set.")
    SPOT_EVICTED = (
        "SpotEvicted", _CLAIM,
        "Azure evicted the spot machine, or its price exceeded the limit.",
        "It is replaced after a minute. Raise kaito.sh/spot-max-price, or use on-demand nodes for "
        "work that must not be interrupted.")
    NODE_GONE = (
        "NodeGone", _CLAIM,
        "The node had joined and has disappeared; its agent pool still exists.",
        "It is replaced after gpu-provisioner.settings.nodeGoneTimeoutSeconds. If nobody deleted "
        "the Node, check the activity log of the pool's scale set.")
    POOL_SCALED = (
        "PoolScaled", (*_CLAIM, *_EVENT),
        "Somebody scaled the agent pool. A claim is one machine.",
        "Scale it back to 1 with az aks nodepool scale. A pool of 0 is deleted with its claim "
        "after gpu-provisioner.settings.nodeGoneTimeoutSeconds. The machines of a larger one are "
        "billed, and are drained and deleted with the claim.")
    LAUNCH_TIMEOUT = (
        "LaunchTimeout", _CLAIM,
        "AKS has been creating the agent pool for longer than launchTimeoutSeconds.",
        "AKS accepts no other operation on the pool until this one ends, and a pool that ends "
        "without a machine is replaced. The pool's activity log shows what it waits for; `az aks "
        "nodepool operation-abort` ends it.")
    POOL_MISSING = (
        "PoolMissing", _CLAIM,
        "The cloud no longer lists the agent pool of a machine that worked.",
        "After orphanGraceSeconds, if a request for that pool alone confirms it, the claim is "
        "deleted and replaced.")
    POOL_MARKS_LOST = (
        "PoolMarksLost", (*_CLAIM, *_EVENT),
        "An agent pool has lost tags or node labels by which gpu-provisioner recognizes it.",
        "They are put back where it is clear whose pool it is; where it is not, the message says "
        "what to do. If an Azure Policy removes them again, exempt tags whose names start with "
        "kaito-.")
    NODE_UNHEALTHY = (
        "NodeUnhealthy", _CLAIM, "The node was not Ready for nodeRepairTolerationSeconds.",
        "It is replaced automatically. If it happens again, kubectl describe node shows the "
        "condition that failed.")
    INITIALIZATION_TIMEOUT = (
        "InitializationTimeout", _CLAIM,
        "The node joined but never became Ready with its GPUs.",
        "Check the pods of the device plugin and the driver on that node.")
    INVALID_REQUIREMENTS = (
        "InvalidRequirements", _CLAIM, "No agent pool can meet the claim's requirements.",
        "The message names the requirement, its value and what is allowed.", _PERMANENT)
    LAUNCH_PENDING = ("LaunchPending", _LAUNCHING, "The agent pool is being created.")
    LAUNCH_QUEUED = (
        "LaunchQueued", _LAUNCHING,
        "The agent pool waits for its turn: calls to Azure are rate-limited, or AKS is busy with "
        "another operation on the cluster.",
        "Wait: the oldest goes first. gpu-provisioner.settings.armWritesPerMinute is the rate.")
    LAUNCHED = ("Launched", (types.LAUNCHED,), "The agent pool exists.")
    REGISTRATION_PENDING = (
        "RegistrationPending", (types.REGISTERED, types.READY),
        "The machine has not joined the cluster yet.", "Wait: this takes a few minutes.")
    REGISTERED = ("Registered", (types.REGISTERED,), "The machine joined the cluster.")
    INITIALIZATION_PENDING = (
        "InitializationPending", (types.INITIALIZED, types.READY),
        "The node is not Ready yet, has startup taints, or lacks its GPUs.",
        "The message says which.")
    INITIALIZED = ("Initialized", (types.INITIALIZED,), "The node is ready for use.")
    READY = ("Ready", (types.READY,), "The claim's node works.")
    NODE_IMAGE_DRIFT = (
        "NodeImageDrift", (types.DRIFTED,), "A node image newer than the machine's is available.",
        "The node keeps running. To replace it, delete the claim at a convenient time; or upgrade "
        "the agent pool with az aks nodepool upgrade --node-image-only.")
    KUBERNETES_VERSION_DRIFT = (
        "KubernetesVersionDrift", (types.DRIFTED,),
        "The cluster runs another version of Kubernetes than the machine.",
        "The node keeps running. To replace it, delete the claim at a convenient time; or upgrade "
        "the agent pool with az aks nodepool upgrade.")
    DRAINING = ("Draining", (types.DRAINED,), "The node's pods are being evicted.")
    DRAIN_BLOCKED = (
        "DrainBlocked", (types.DRAINED, types.WORKSPACE_DELETING),
        "Pods cannot leave the node: a disruption budget forbids it, or they carry "
        "karpenter.sh/do-not-disrupt.",
        "The message names the pods and the deadline. Relax the budget, remove the annotation, or "
        "delete the pods.")
    DRAIN_TIMEOUT = (
        "DrainTimeout", (types.DRAINED, types.WORKSPACE_DELETING),
        "Pods were still on the node when the drain timed out; they end with the machine.",
        "Give the claim a longer terminationGracePeriod, or raise drainTimeoutSeconds.")
    DRAINED = ("Drained", (types.DRAINED,), "No pod that the drain waits for is left on the node.")
    INSTANCE_TERMINATING = (
        "InstanceTerminating", _TERMINATING, "The cloud is deleting the machine.")
    TERMINATION_QUEUED = (
        "TerminationQueued", _TERMINATING,
        "The deletion of the agent pool waits for its turn: calls to Azure are rate-limited, or "
        "AKS is busy with another operation on the cluster.",
        "Wait: deletions go before launches.")
    TERMINATION_FAILED = (
        "TerminationFailed", _DELETING, "The cloud did not delete the agent pool.",
        "The deletion is retried automatically; the message includes the cloud's error.")
    TERMINATION_BLOCKED = (
        "TerminationBlocked", (*_CLAIM, *_DELETING),
        "AKS drains the node itself before it deletes the machine, and a disruption budget "
        "forbids it.",
        "Relax the budget, or delete the pods that the message names; a machine is billed until "
        "then. The deletion is retried at growing intervals.")
    # Events only
    EXPIRED = ("Expired", _EVENT, "The claim was older than its expireAfter and is replaced.")
    FAILED_DRAINING = (
        "FailedDraining", _EVENT, "Pods block a drain; the condition Drained names them.",
        "See DrainBlocked.")
    TERMINATION_GRACE_PERIOD_EXPIRING = (
        "TerminationGracePeriodExpiring", _EVENT,
        "The claim's terminationGracePeriod ends at the time in the message, and with it every "
        "pod on the node.")
    NODE_REPAIR_BLOCKED = (
        "NodeRepairBlocked", _EVENT,
        "More than 20 % of the nodes are unhealthy, so none of them is replaced.",
        "Look for what they have in common: the network, a driver, an outage of the region.")
    POOL_ADOPTED = (
        "PoolAdopted", _EVENT,
        "An agent pool that KAITO's own gpu-provisioner created belongs to the claim and gets the "
        "tags of this one.")
    NODE_WITHOUT_POOL = (
        "NodeWithoutPool", _EVENT,
        "A working Node has neither a claim nor an agent pool.",
        "Its machine costs money. Look for it in the scale sets of the node resource group.")
    COLLECTION_BLOCKED = (
        "CollectionBlocked", _EVENT,
        "gpu-provisioner cannot read what it has to know before it deletes what looks lost.",
        "Give the right that the message names. Until then an orphaned machine is billed on.")
    # Configuration
    PRESET_UNKNOWN = (
        "PresetUnknown", _CONFIG, "No preset has that name.",
        "The message lists the closest names; docs/reference/presets.md lists all.", _PERMANENT)
    MODEL_UNKNOWN = (
        "ModelUnknown", (*_CONFIG, types.INFERENCE_READY),
        "The Hugging Face hub has no model, or no revision, of that name.",
        "Correct preset.name or the annotation kaito.sh/model-revision. A private model needs "
        "presetOptions.modelAccessSecret.", _PERMANENT)
    MODEL_GATED = (
        "ModelGated", (*_CONFIG, types.INFERENCE_READY),
        "The Hugging Face hub does not give the model to this token, or without one.",
        "Accept the license on the model's page, and put a token of that account into the Secret "
        "of presetOptions.modelAccessSecret; the hub is asked again automatically.")
    MODEL_NOT_SERVED = (
        "ModelNotServed", _CONFIG, "The model's files are such that no engine serves it.",
        "The message names the file, the field and its value, and what serves instead.", _PERMANENT)
    HUB_UNAVAILABLE = (
        "HubUnavailable", (*_CONFIG, types.INFERENCE_READY),
        "The Hugging Face hub, or its mirror, does not answer.",
        "Wait: it is asked again, at growing pauses. The controller and the model's pods need to "
        "reach workspace-controller.settings.hubEndpoint.")
    PRESET_NOT_TUNABLE = (
        "PresetNotTunable", _CONFIG, "The preset cannot be fine-tuned.",
        "docs/reference/presets.md lists those that can.", _PERMANENT)
    INSTANCE_TYPE_UNKNOWN = (
        "InstanceTypeUnknown", _CONFIG, "The instance type is in no catalog.",
        "Check its spelling; the message lists the closest names.", _PERMANENT)
    INSTANCE_TYPE_TOO_SMALL = (
        "InstanceTypeTooSmall", _CONFIG, "The model does not fit the instance type's GPUs.",
        "The message shows the arithmetic and names types that fit.", _PERMANENT)
    INSTANCE_TYPE_REQUIRED = (
        "InstanceTypeRequired", _CONFIG, "resource.instanceType is missing.",
        "Set it, or install with nodeProvisioner byo.", _PERMANENT)
    INSTANCE_TYPE_FORBIDDEN = (
        "InstanceTypeForbidden", _CONFIG,
        "resource.instanceType is set although you provide the nodes (nodeProvisioner byo).",
        "Leave it out.", _PERMANENT)
    CONFIG_MAP_MISSING = (
        "ConfigMapMissing", (*_CONFIG, types.INFERENCE_READY, types.JOB_STARTED),
        "A ConfigMap that the Workspace names does not exist or lacks its key.",
        "Create it in the Workspace's namespace with the key that the message names.")
    SECRET_MISSING = (
        "SecretMissing", (*_CONFIG, types.INFERENCE_READY, types.JOB_STARTED),
        "A Secret that the Workspace names does not exist or has the wrong type.",
        "Run kubectl create secret docker-registry in the Workspace's namespace.")
    VOLUME_CLAIM_MISSING = (
        "VolumeClaimMissing", _CONFIG,
        "A PersistentVolumeClaim that the Workspace names does not exist.",
        "Create it in the Workspace's namespace; no node is requested until then.")
    WORKSPACE_INVALID = (
        "WorkspaceInvalid", _CONFIG, "The manifest does not match the current schema.",
        "The message names each field; correct it and apply again.", _PERMANENT)
    # Tuning
    DATA_CHECKED = ("DataChecked", _CHECK, "The data was read, and it can be trained on.")
    DATA_CHECK_PENDING = (
        "DataCheckPending", _CHECK, "The Job that checks the data is being created.",
        "Wait; ResourceReady shows why the API server refuses the Job, if it does.")
    DATA_CHECK_RUNNING = (
        "DataCheckRunning", _CHECK, "The data is being checked on a node without a GPU.",
        "Wait; kubectl logs job/<workspace>.data-check shows the progress.")
    DATA_CHECK_SKIPPED = (
        "DataCheckSkipped", _CHECK,
        "The check cannot be done, so nodes are requested without it; the tuning Job checks the "
        "data before it trains.",
        "The message says why. To turn checks off, set "
        "workspace-controller.settings.dataCheck to false, or the annotation kaito.sh/data-check "
        'to "false".')
    CHECKPOINTS_ON_VOLUME = (
        "CheckpointsOnVolume", (types.CHECKPOINTS_KEPT,),
        "The checkpoints of the run are on a volume that outlives its pod and its node.")
    CHECKPOINTS_ON_NODES = (
        "CheckpointsOnNodes", (types.CHECKPOINTS_KEPT,),
        "Each node of the run has a copy of its checkpoints: the run goes on as long as one of its "
        "pods is left.")
    CHECKPOINTS_ON_NODE = (
        "CheckpointsOnNode", (types.CHECKPOINTS_KEPT,),
        "The checkpoints of the run are on the disk of its node: if its pod is lost, the run "
        "starts again from its first step.",
        "Make a StorageClass whose volumes follow a pod to another node the cluster's default, or "
        "name one in workspace-controller.settings.checkpointStorageClass. A run that has begun is "
        "not moved.")
    TUNING_PENDING = ("TuningPending", _JOB, "Training has not started.")
    TUNING_RUNNING = ("TuningRunning", _JOB, "The training pod is running.")
    TRAINING_STARTED = ("TrainingStarted", _EVENT, "The model is loaded and the training starts.")
    TRAINING_RESUMED = (
        "TrainingResumed", _EVENT, "An interrupted training continues from its checkpoint.")
    ADAPTER_EVALUATED = (
        "AdapterEvaluated", _EVENT, "The loss was measured on the rows that are held back.")
    LOSS_DIVERGES = (
        "LossDiverges", _TUNING,
        "The loss of a running training is far above the lowest that it has reached.",
        "Let it end, or lower TrainingArguments.learning_rate in training_config.yaml, which "
        "trains again from the start.")
    TUNING_SUCCEEDED = ("TuningSucceeded", _JOB, "The adapter was pushed to its registry.")
    DATA_UNREACHABLE = (
        "DataUnreachable", _DATA, "The dataset could not be fetched.",
        "Check the URL from inside the cluster, and the credentials in tuning.input.accessSecret; "
        "the download is retried automatically.")
    DATA_UNREADABLE = (
        "DataUnreadable", _DATA,
        "A data file is not what its name says, its format is unknown, or it is damaged.",
        "The message says what the file is; provide one of the formats of docs/datasets.md.",
        _PERMANENT)
    DATA_ROWS_LOST = (
        "DataRowsLost", _DATA,
        "More rows than DatasetConfig.max_lost_rows allows would be dropped or cut.",
        "The message names the first rows and why; correct them, raise "
        "TrainingArguments.max_length, or raise the limit.", _PERMANENT)
    DATA_COLUMN_MISSING = (
        "DataColumnMissing", _DATA, "The dataset lacks the columns that training needs.",
        "Provide a column messages (or prompt and completion, or text).", _PERMANENT)
    DATA_EMPTY = (
        "DataEmpty", _DATA, "The dataset has no rows.", "Provide at least one row.", _PERMANENT)
    DATA_TOO_LARGE = (
        "DataTooLarge", _DATA, "The dataset is larger than the limit.",
        "Split it, or raise the chart's workspace-controller.settings.maxDataBytes.", _PERMANENT)
    CONFIG_INVALID = (
        "ConfigInvalid", (*_DATA, types.INFERENCE_READY),
        "The configuration file has an unknown key or an invalid value.",
        "The message names the key, its value and what is allowed.", _PERMANENT)
    MODEL_LOAD_FAILED = (
        "ModelLoadFailed", (*_TUNING, types.INFERENCE_READY), "The base model could not be loaded.",
        "Check that the model image holds the model at its path.", _PERMANENT)
    OUT_OF_MEMORY = (
        "OutOfMemory", (*_TUNING, types.INFERENCE_READY), "The GPU or the pod ran out of memory.",
        "Use qlora, a smaller batch or shorter sequences, or a larger instance type.", _PERMANENT)
    TRAINING_FAILED = (
        "TrainingFailed", _TUNING, "Training ended with an error.",
        "The message includes the last line; kubectl logs has the rest.", _PERMANENT)
    TRAINING_STOPPED = (
        "TrainingStopped", _TUNING, "Training was stopped on request; a checkpoint was kept.")
    PUSH_UNAUTHORIZED = (
        "PushUnauthorized", _TUNING, "The registry rejected the push secret.",
        "Renew the Secret that tuning.output.imagePushSecret names; the push is retried "
        "automatically.")
    REGISTRY_UNREACHABLE = (
        "RegistryUnreachable", (*_TUNING, types.INFERENCE_READY), "The registry does not respond.",
        "Check its address from inside the cluster; the request is retried automatically.")
    PUSH_FAILED = (
        "PushFailed", _TUNING, "The registry rejected the image.",
        "The message includes the registry's error.")
    SIGNING_KEY_INVALID = (
        "SigningKeyInvalid", _TUNING, "The key that is to sign the adapter cannot be used.",
        "Correct the Secret that tuning.output.signingSecret names; signing is retried "
        "automatically.")
    # Inference
    INFERENCE_READY = ("InferenceReady", _INFERENCE, "The model responds to requests.")
    ADAPTER_NOT_LOADED = (
        "AdapterNotLoaded", _INFERENCE,
        "The model responds to requests, but not with every adapter.",
        "The message names each adapter and its cause. Correct its entry in inference.adapters or "
        "push a corrected image under a new tag; requests that name it fail until then.")
    ADAPTER_NOT_VERIFIED = (
        "AdapterNotVerified", _INFERENCE,
        "The model responds to requests, but not with an adapter whose signature is missing, of "
        "another key, or of other content.",
        "The message names each adapter and its cause. Sign the image with the key of "
        "source.verificationSecret, or correct the Secret; requests that name the adapter fail "
        "until then.")
    ADAPTER_LOADING = (
        "AdapterLoading", _INFERENCE,
        "The model responds to requests, and its pods pull or load adapters meanwhile.",
        "Wait. The message names the adapters; requests that name one fail until it serves.")
    WORKLOAD_ADOPTED = (
        "WorkloadAdopted", _INFERENCE,
        "The model responds to requests from pods that KAITO's own controller created before the "
        "upgrade. They are kept as they are, whatever changes in the Workspace or the release.",
        "Nothing has to be done. To serve the model with this release, delete the StatefulSet that "
        "the message names: the same nodes are used again.")
    UPDATING = (
        "Updating", _INFERENCE,
        "The model responds to requests from its old pod while the new one starts.")
    UPDATE_WAITING = (
        "UpdateWaiting", _INFERENCE,
        "The release's configuration has changed, and other Workspaces get it first: one at a "
        "time.",
        "Wait. A change of the Workspace itself does not wait, and brings the new configuration.")
    UPDATE_HELD = (
        "UpdateHeld", _INFERENCE,
        "The release's configuration has changed, and the rollout has stopped: another Workspace "
        "does not become ready with it.",
        "kubectl describe the Workspace that the message names. Correct the chart's value, or go "
        "back to the old one: the rollout resumes by itself.")
    UPDATE_FAILED = (
        "UpdateFailed", _INFERENCE,
        "The new pod of an update does not become ready. If the update brings a new configuration "
        "of the release, the other Workspaces keep theirs meanwhile.",
        "The message says what is wrong with the pod. Correct the chart's value (or the "
        "Workspace, if its own change came last), or go back to the old one.")
    MODEL_STARTED = (
        "ModelStarted", _EVENT,
        "A pod of the model answers for the first time; the event says how long each phase of its "
        "start took.")
    REVISION_PINNED = (
        "RevisionPinned", _INFERENCE,
        "The model responds to requests with an earlier revision, to which the annotation "
        "kaito.sh/undo-to-revision went back.",
        "Remove the annotation, or change the Workspace, to go on to the newest configuration.")
    REVISION_NOT_FOUND = (
        "RevisionNotFound", _INFERENCE,
        "The model responds to requests, and the annotation kaito.sh/undo-to-revision names a "
        "revision that is not recorded.",
        "kubectl kaito history lists those that are. Correct the annotation, or remove it.")
    INFERENCE_PENDING = ("InferencePending", _INFERENCE, "The model is not deployed yet.")
    MODEL_LOADING = (
        "ModelLoading", _INFERENCE, "The pod is running and loading the model.",
        "Wait; the pod's log shows the progress.")
    IMAGE_PULL_FAILED = (
        "ImagePullFailed", (*_DATA, types.INFERENCE_READY, types.JOB_STARTED),
        "An image cannot be pulled.",
        "Check its name, its tag and the pull secrets; the pull is retried automatically.")
    CONTAINER_CRASHED = (
        "ContainerCrashed", (*_TUNING, types.INFERENCE_READY), "A container crashes repeatedly.",
        "kubectl logs --previous shows why; the message includes the exit code.")
    UNSCHEDULABLE = (
        "Unschedulable", (*_JOB, types.INFERENCE_READY), "No node has room for the pod.",
        "The message includes the scheduler's explanation; another workload may use the GPU.")
    POD_FORBIDDEN = (
        "PodForbidden", (*_CHECK, *_JOB, types.INFERENCE_READY),
        "The API server forbids the pod: a ResourceQuota, a LimitRange, Pod Security, a policy, a "
        "webhook, or a missing ServiceAccount.",
        "The message is the API server's, with what to do. It goes on when the cause is gone. No "
        "node is requested while the check of the data is forbidden.")
    POD_EVICTED = (
        "PodEvicted", (*_TUNING, types.INFERENCE_READY), "The pod was evicted.",
        "It is replaced automatically; the message says why the node evicted it.")
    NOT_SERVED = (
        "NotServed", _INFERENCE, "The Workspace serves no model, as its annotation requests.")
    # The whole Workspace
    WORKSPACE_READY = ("WorkspaceReady", _WORKSPACE, "The model responds to requests.")
    WORKSPACE_SUCCEEDED = (
        "WorkspaceSucceeded", _WORKSPACE, "The adapter was pushed, and no model is to be served.")
    WORKSPACE_PENDING = (
        "WorkspacePending", _WORKSPACE, "In progress; the other conditions show the details.")
    WORKSPACE_FAILED = (
        "WorkspaceFailed", _WORKSPACE, "A permanent failure.",
        "See the condition that the message names.")
    WORKSPACE_DELETING = (
        "WorkspaceDeleting", (types.WORKSPACE_DELETING,),
        "The Workspace is being deleted: workloads first, then nodes. What holds a node's deletion "
        "up is the reason instead.")
    NAME_TAKEN = (
        "NameTaken", _REFUSED,
        "An object with a name that the Workspace needs exists and belongs to something else.",
        "Delete that object, or give the Workspace another name.")
    NAMESPACE_TERMINATING = (
        "NamespaceTerminating", _REFUSED,
        "The Workspace's namespace is being deleted, so nothing can be created in it.",
        "Wait: the Workspace goes with it. Create it again in another namespace.")
    ADMISSION_DENIED = (
        "AdmissionDenied", _REFUSED,
        "A quota, a policy or a webhook of the cluster forbids an object that the Workspace needs.",
        "The message is the API server's, with what to do; the write is retried automatically.")
    CLUSTER_UNAVAILABLE = (
        "ClusterUnavailable", _REFUSED, "The API server rejected a write.",
        "The write is retried automatically; the message includes the API server's error.")
    # InferenceSets
    REPLICAS_READY = ("ReplicasReady", _SET, "As many replicas serve as are wanted.")
    REPLICAS_PENDING = (
        "ReplicasPending", _SET, "Fewer replicas serve than are wanted.",
        "Wait: the message says what the first of them waits for.")
    REPLICAS_FAILED = (
        "ReplicasFailed", _SET, "A replica has failed, and waiting does not help.",
        "Correct spec.template, or delete the Workspace that the message names to try again.")
    INFERENCE_SET_INVALID = (
        "InferenceSetInvalid", (*_SET, *_ROLL_OUT), "The InferenceSet does not match its schema.",
        "Correct the field that the message names.", _PERMANENT)
    ROLLED_OUT = ("RolledOut", _ROLL_OUT, "Every replica has the present template.")
    ROLLING_OUT = (
        "RollingOut", _ROLL_OUT, "Replicas with an earlier template are being replaced.",
        "Wait: an old replica goes when its successor serves.")
    ROLL_OUT_FAILED = (
        "RollOutFailed", _ROLL_OUT,
        "A replica with the present template has failed. The roll-out has stopped, and the "
        "replicas with the earlier template serve on.",
        "Correct spec.template or set it back; or delete the Workspace that the message names to "
        "try again.")
    ROLL_OUT_HELD = (
        "RollOutHeld", _ROLL_OUT,
        "spec.updateStrategy keeps replicas on an earlier template.",
        "Delete their Workspaces, lower rollingUpdate.partition, or set type to RollingUpdate.")
    NODE_COUNT_LIMIT_REACHED = (
        "NodeCountLimitReached", (*_SET, *_ROLL_OUT),
        "spec.nodeCountLimit allows no further replica.",
        "Raise it, lower spec.replicas, or set rollingUpdate.maxSurge to 0.")
    DEMAND_FOLLOWED = (
        "DemandFollowed", _SCALING,
        "The number of replicas follows the requests at the front doors.")
    SCALED_UP = (
        "ScaledUp", _EVENT, "spec.autoscaling has raised spec.replicas; the event says why.")
    SCALED_DOWN = (
        "ScaledDown", _EVENT, "spec.autoscaling has lowered spec.replicas; the event says why.")
    MAX_REPLICAS_REACHED = (
        "MaxReplicasReached", _SCALING,
        "The demand needs more replicas than spec.autoscaling.maxReplicas allows.",
        "Raise it, or raise targetRequests if the replicas are not busy.")
    PRICE_LIMIT_REACHED = (
        "PriceLimitReached", _SCALING,
        "The demand needs more replicas than spec.autoscaling.maxPricePerHour pays for, or the "
        "price of a replica is not known.",
        "Raise it, or take a cheaper instance type; without a known price, remove it.")
    DEMAND_UNKNOWN = (
        "DemandUnknown", _SCALING,
        "No front door reports its requests to the controller, so the number of replicas stays.",
        "Install inference-gateway, and see in its log whether it reaches the controller.")
    AUTOSCALING_PAUSED = (
        "AutoscalingPaused", _SCALING, "spec.replicas is 0, which pauses spec.autoscaling.",
        "Set spec.replicas to 1 or more to go on.")
    SEVERAL_SCALERS = (
        "SeveralScalers", _SCALING,
        "spec.autoscaling and KAITO's KEDA scaler would both write spec.replicas; this one does "
        "nothing.",
        "Remove spec.autoscaling, or the annotation that the message names.")
    # fmt: on


REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}
"""Reasons by their code."""


def is_permanent(code: str) -> bool:
    """Whether waiting cannot help. Unknown codes (another provisioner's) count as temporary."""
    reason = REASONS.get(code)
    return reason is not None and reason.permanent
