"""Where the pods of a Workspace run, and which GPUs they request there."""

from collections.abc import Mapping

from kaito_api.workspace import WorkspaceSpec
from kaito_presets.sizing import usable_gpus
from kaito_skus.sku import GpuSet
from workspace_controller.gpu_resources import RESOURCES
from workspace_controller.manifests.placement import Placement
from workspace_controller.observed import Observed
from workspace_controller.plan.spec import preset_ref, selector_labels


def placement(observed: Observed, spec: WorkspaceSpec) -> Placement:
    return Placement(
        owner=observed.owner,
        node_labels=selector_labels(spec),
        instance_type=instance_type(observed, spec),
        gpus=gpu_limits(observed, spec),
    )


def instance_type(observed: Observed, spec: WorkspaceSpec) -> str:
    """The instance type as the cloud spells it; empty with nodeProvisioner byo."""
    return observed.sku.name if observed.sku else spec.resource.instance_type or ""


def gpu_limits(observed: Observed, spec: WorkspaceSpec) -> dict[str, str]:
    """The resource limits of a pod: all GPUs of a node, or the partition that is requested.

    Where neither the catalog nor labels describe the GPUs, they are what the nodes advertise.
    """
    gpus, partition = observed.gpus, spec.resource.partition
    has_profile = partition is not None and partition.mode == "mig" and partition.profile
    count_limit = partition.count if partition is not None else None
    if gpus is None:
        advertised = observed.allocatable_gpus if preset_ref(spec) is not None else {}
        if has_profile and partition is not None and advertised:
            return {f"nvidia.com/mig-{partition.profile}": "1"}
        return _all_of(advertised, count_limit)
    if gpus.count == 0:
        return {}
    if has_profile and partition is not None:
        return {f"nvidia.com/mig-{partition.profile}": "1"}
    if gpus.mig is not None:
        return {gpus.mig.resource: "1"}
    return {RESOURCES[gpus.vendor]: str(min(count_limit or gpus.count, gpus.count))}


def pod_gpus(observed: Observed, spec: WorkspaceSpec) -> GpuSet | None:
    """The GPUs of one pod: those of its node, or its partition. None where they are not known."""
    return None if observed.gpus is None else usable_gpus(observed.gpus, spec)


def gpu_count(limits: Mapping[str, str]) -> int:
    """How many GPUs, or slices of one, a pod with these resource limits has."""
    return sum(int(count) for count in limits.values())


def _all_of(advertised: Mapping[str, int], count_limit: int | None) -> dict[str, str]:
    """Whole GPUs before slices of one, of which a model can use a single one."""
    for resource, count in advertised.items():
        if resource in RESOURCES.values():
            return {resource: str(min(count_limit or count, count))}
    return dict.fromkeys(sorted(advertised)[:1], "1")
