"""The types of the conditions that Workspaces, Machines, NodeClaims and Nodes carry."""

from typing import Final

# Of Workspaces.
DATA_CHECKED: Final = "DataChecked"
MACHINE_READY: Final = "MachineReady"
NODE_CLAIM_READY: Final = "NodeClaimReady"
NODES_READY: Final = "NodesReady"
RESOURCE_READY: Final = "ResourceReady"
JOB_STARTED: Final = "JobStarted"
CHECKPOINTS_KEPT: Final = "CheckpointsKept"
TUNING_SUCCEEDED: Final = "TuningSucceeded"
INFERENCE_READY: Final = "InferenceReady"
WORKSPACE_SUCCEEDED: Final = "WorkspaceSucceeded"
WORKSPACE_READY: Final = "WorkspaceReady"
WORKSPACE_DELETING: Final = "WorkspaceDeleting"

# Of InferenceSets.
INFERENCE_SET_READY: Final = "InferenceSetReady"
ROLLED_OUT: Final = "RolledOut"
AUTOSCALING_ACTIVE: Final = "AutoscalingActive"

# Of NodeClaims. Machines carry the same, all but Ready with the prefix "Machine".
LAUNCHED: Final = "Launched"
REGISTERED: Final = "Registered"
INITIALIZED: Final = "Initialized"
READY: Final = "Ready"
DRIFTED: Final = "Drifted"
DRAINED: Final = "Drained"
INSTANCE_TERMINATING: Final = "InstanceTerminating"
