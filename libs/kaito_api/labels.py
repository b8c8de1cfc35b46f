"""API groups, and the keys of labels, annotations and finalizers."""

from typing import Final

GROUP: Final = "kaito.sh"
KARPENTER_GROUP: Final = "karpenter.sh"

# On the Workspaces of an InferenceSet, their pods and its Service: the set's name. KAITO's key.
CREATED_BY_SET: Final = "inferenceset.kaito.sh/created-by"
# On a Workspace of an InferenceSet: a digest of the template that it was made of.
TEMPLATE_HASH: Final = "inferenceset.kaito.sh/template-hash"
# On an InferenceSet: when spec.autoscaling last changed spec.replicas, written with that change.
SCALED_AT: Final = "inferenceset.kaito.sh/scaled-at"
# On an InferenceSet: "true" has KAITO's KEDA scaler create a ScaledObject for it.
KEDA_AUTO_PROVISION: Final = "scaledobject.kaito.sh/auto-provision"

# On every object that belongs to a Workspace: nodes, claims, workloads, Services.
WORKSPACE: Final = "kaito.sh/workspace"
WORKSPACE_NAMESPACE: Final = "kaito.sh/workspacenamespace"
WORKSPACE_UID: Final = "kaito.sh/workspace-uid"
MACHINE_TYPE: Final = "kaito.sh/machine-type"
# On a Node from its creation: the claim that its agent pool was created for.
CLAIM_UID: Final = "kaito.sh/claim-uid"
CREATION_TIMESTAMP: Final = "kaito.sh/creation-timestamp"
# What a pod does for its Workspace: "data-check", "tuning" or "inference".
ROLE: Final = "kaito.sh/role"

WORKSPACE_FINALIZER: Final = "workspace.finalizer.kaito.sh"
# KAITO's own controller puts it on InferenceSets. This one needs none.
KAITO_SET_FINALIZER: Final = "inferenceset.finalizer.kaito.sh"
TERMINATION_FINALIZER: Final = "karpenter.sh/termination"

# Annotations that users can set on a Workspace.
ENABLE_LOAD_BALANCER: Final = "kaito.sh/enablelb"
SERVE_TUNED_MODEL: Final = "kaito.sh/serve-tuned-model"
DATA_CHECK: Final = "kaito.sh/data-check"
# Kueue's, which the Job of a tuning run gets from its Workspace.
QUEUE: Final = "kueue.x-k8s.io/queue-name"
QUEUE_PRIORITY: Final = "kueue.x-k8s.io/priority-class"
RUNTIME: Final = "kaito.sh/runtime"
# Of a server in the user's own pods that lists no model: its name of the model.
ENGINE_MODEL: Final = "kaito.sh/engine-model"
# Of a model of the hub: the branch, tag or commit; and "true" to run the code of its repository.
MODEL_REVISION: Final = "kaito.sh/model-revision"
TRUST_REMOTE_CODE: Final = "kaito.sh/trust-remote-code"
BYPASS_RESOURCE_CHECKS: Final = "kaito.sh/bypass-resource-checks"
DISABLE_BENCHMARK: Final = "kaito.sh/disable-benchmark"
UNDO_TO_REVISION: Final = "kaito.sh/undo-to-revision"
NODE_IMAGE_FAMILY: Final = "kaito.sh/node-image-family"
OS_DISK_TYPE: Final = "kaito.sh/os-disk-type"
GPU_DRIVER: Final = "kaito.sh/gpu-driver"
GPU_INSTANCE_PROFILE: Final = "kaito.sh/gpu-instance-profile"
SPOT_MAX_PRICE: Final = "kaito.sh/spot-max-price"
# US dollars per hour: of the whole Workspace, and of all Workspaces of a Namespace together. A
# Namespace has it as a label or as an annotation.
MAX_PRICE_PER_HOUR: Final = "kaito.sh/max-price-per-hour"

# The subset that describes nodes: copied to the Workspace's claims.
NODE_ANNOTATIONS: Final = (
    NODE_IMAGE_FAMILY,
    OS_DISK_TYPE,
    GPU_DRIVER,
    GPU_INSTANCE_PROFILE,
    SPOT_MAX_PRICE,
)

# On workloads that the controller creates: a digest of everything that determines them.
REVISION: Final = "workspace.kaito.io/revision"
# A digest of what the Workspace itself, and not the release, determines of a workload.
INPUTS: Final = "workspace.kaito.io/inputs"
# The operator's setting that the inputs of a workload were made under.
ADAPTER_DELIVERY: Final = "workspace.kaito.io/adapter-delivery"
# "true" from the moment when a workload takes its turn in a rollout until it is seen ready.
UPDATING: Final = "workspace.kaito.io/updating"

# An annotation that KAITO's own controller writes to each Workspace that it reconciles.
KAITO_HASH: Final = "workspace.kaito.io/hash"

NODE_POOL: Final = "karpenter.sh/nodepool"
CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
PROVISIONER_NAME: Final = "karpenter.sh/provisioner-name"
DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"
UNREGISTERED: Final = "karpenter.sh/unregistered"
REGISTERED: Final = "karpenter.sh/registered"
INITIALIZED: Final = "karpenter.sh/initialized"
DISRUPTED: Final = "karpenter.sh/disrupted"
EXCLUDE_BALANCERS: Final = "node.kubernetes.io/exclude-from-external-load-balancers"

INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ARCH: Final = "kubernetes.io/arch"
OPERATING_SYSTEM: Final = "kubernetes.io/os"
REGION: Final = "topology.kubernetes.io/region"
ZONE: Final = "topology.kubernetes.io/zone"
AGENT_POOL: Final = "agentpool"

GPU_RESOURCE: Final = "nvidia.com/gpu"
GPU_TAINT_KEY: Final = "sku"
GPU_TAINT_VALUE: Final = "gpu"

# The controller sets these itself, so a selector needs at least one other label.
RESERVED_SELECTOR_KEYS: Final = frozenset(
    {
        WORKSPACE,
        WORKSPACE_NAMESPACE,
        WORKSPACE_UID,
        "karpenter.kaito.sh/workspace-name",
        "karpenter.kaito.sh/workspace-namespace",
        "karpenter.kaito.sh/inferenceset",
        "karpenter.kaito.sh/inferenceset-namespace",
    }
)
