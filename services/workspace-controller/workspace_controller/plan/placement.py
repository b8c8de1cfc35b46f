"""Where the pods of a Workspace run, and which GPUs they request there."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_skus.sku import GpuSet, Vendor
from workspace_controller.manifests.placement import Placement
from workspace_controller.observed import Observed
from workspace_controller.plan.spec import selector_labels

# The extended resources of the vendors' device plugins.
_GPU_RESOURCES = {
    Vendor.NVIDIA: labels.GPU_RESOURCE,
    Vendor.AMD: "amd.com/gpu",
    Vendor.NEURON: "aws.amazon.com/neuron",
}


def placement(observed: Observed, spec: WorkspaceSpec) -> Placement:
    return Placement(
        owner=observed.owner,
        node_labels=selector_labels(spec),
        instance_type=instance_type(observed, spec),
        gpus=gpu_limits(spec, observed.gpus),
    )


def instance_type(observed: Observed, spec: WorkspaceSpec) -> str:
    """The instance type as the cloud spells it; empty with nodeProvisioner byo."""
    return observed.sku.name if observed.sku else spec.resource.instance_type or ""


def gpu_limits(spec: WorkspaceSpec, gpus: GpuSet | None) -> dict[str, str]:
    """The resource limits of a pod: all GPUs of a node, or the partition that is requested."""
    if gpus is None or gpus.count == 0:
        return {}
    partition = spec.resource.partition
    if partition is not None and partition.mode == "mig" and partition.profile:
        return {f"nvidia.com/mig-{partition.profile}": "1"}
    if gpus.mig is not None:
        return {gpus.mig.resource: "1"}
    count = gpus.count
    if partition is not None and partition.count:
        count = min(partition.count, count)
    return {_GPU_RESOURCES[gpus.vendor]: str(count)}
