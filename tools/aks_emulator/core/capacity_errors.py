"""Azure's errors for missing capacity, with its codes and messages. Pure."""

from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.model import Failure

QUOTA_HELP = (
    "If you want to increase the quota, please follow this instruction: "
    "https://learn.microsoft.com/azure/quotas/per-vm-quota-requests"
)


def no_family_quota(*, family: str, location: str, requested: int, remaining: int) -> ArmError:
    message = (
        f"Insufficient vcpu quota requested {requested}, remaining {remaining} for family {family} "
        f"for region {location}. {QUOTA_HELP}"
    )
    return ArmError(status=400, code="ErrCode_InsufficientVCPUQuota", message=message)


def no_regional_quota(*, location: str, requested: int, remaining: int) -> ArmError:
    message = (
        f"Insufficient regional vcpu quota left for location {location}. left regional vcpu quota "
        f"{remaining}, requested quota {requested}. {QUOTA_HELP}"
    )
    return ArmError(status=400, code="ErrCode_InsufficientVCPUQuota", message=message)


def size_not_allowed(vm_size: str, location: str, available: list[str]) -> ArmError:
    sizes = ",".join(name.lower() for name in available)
    message = (
        f"The VM size of {vm_size} is not allowed in your subscription in location '{location}'. "
        f"The available VM sizes are '{sizes}'. For more details, please visit "
        "https://aka.ms/cpu-quota"
    )
    return ArmError(
        status=400, code="BadRequest", message=message, target="agentPoolProfile.vmSize"
    )


def zone_not_supported(
    vm_size: str, zone: str, location: str, supported: tuple[str, ...]
) -> ArmError:
    message = (
        f"The zone(s) '{zone}' for resource '{vm_size}' is not supported. The supported zones for "
        f"location '{location}' are '{','.join(supported)}'"
    )
    return ArmError(
        status=400,
        code="AvailabilityZoneNotSupported",
        message=message,
        target="agentPoolProfile.availabilityZones",
    )


def sku_not_available(vm_size: str, location: str) -> Failure:
    return Failure(
        "SkuNotAvailable",
        "The requested VM size for resource 'Following SKUs have failed for Capacity "
        f"Restrictions: {vm_size}' is currently not available in location '{location}'. Please try "
        "another size or deploy to a different location or different zone. See "
        "https://aka.ms/azureskunotavailable for details.",
    )


def allocation_failed(vm_size: str, location: str) -> Failure:
    return Failure(
        "AllocationFailed",
        "Allocation failed. We do not have sufficient capacity for the requested VM size "
        f"{vm_size} in this region ({location}). Read more about improving likelihood of "
        "allocation success at https://aka.ms/allocation-guidance",
    )


def zonal_allocation_failed(vm_size: str, zones: str) -> Failure:
    return Failure(
        "ZonalAllocationFailed",
        "Allocation failed. We do not have sufficient capacity for the requested VM size "
        f"{vm_size} in zone(s) {zones}. Read more about improving likelihood of allocation success "
        "at https://aka.ms/allocation-guidance",
    )


def extension_failed(node: str, details: str) -> Failure:
    return Failure(
        "VMExtensionProvisioningError",
        f"VM has reported a failure when processing extension 'vmssCSE' of '{node}': {details} "
        "More information on troubleshooting is available at https://aka.ms/VMExtensionCSELinux",
    )


def internal_failure() -> Failure:
    return Failure(
        "InternalExecutionError",
        "An internal execution error occurred while provisioning the agent pool. Please retry "
        "later.",
    )
