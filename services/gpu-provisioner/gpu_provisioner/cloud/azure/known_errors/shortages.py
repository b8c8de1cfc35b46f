"""The size is what is missing: quota, availability, capacity. Another size may do."""

from gpu_provisioner.cloud.azure.known_errors.known_error import (
    AKS,
    AKS_ISSUES,
    ARM,
    COMMON_ERRORS,
    TERRAFORM_ISSUES,
    KnownError,
)
from kaito_api.reasons import Reason

_MANAGED_DISK = (
    "Set gpu-provisioner.settings.osDiskType to Managed, or use another resource.instanceType."
)

SHORTAGES = (
    KnownError(
        "ReadOnlyDisabledSubscription", 409,
        "The subscription 's' is disabled and therefore marked as read only. You cannot perform "
        "any write actions on this subscription until it is re-enabled.",
        Reason.SUBSCRIPTION_DISABLED,
        "https://github.com/microsoft/vscode-azureappservice/issues/864",
        pattern=r"subscription '?[^ ]*'? is disabled"),
    KnownError(
        "SkuNotAvailable", 409,
        "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: "
        "Standard_NC24ads_A100_v4' is currently not available in location 'eastus'. Please try "
        "another size or deploy to a different location or different zone. See "
        "https://aka.ms/azureskunotavailable for details.",
        Reason.SKU_NOT_AVAILABLE, "https://github.com/Azure-Samples/azuresandbox/issues/70",
        pattern=r"is currently not available in location"),
    KnownError(
        "InvalidTemplateDeployment", 400,
        "Provisioning of resource(s) for Agent Pool gpunode failed. Error: {\"code\": "
        "\"InvalidTemplateDeployment\", \"message\": \"The template deployment failed with error: "
        "'The resource with id: '/subscriptions/s/aks-gpunode-vmss' failed validation with message:"
        " 'The requested size for resource '/subscriptions/s/aks-gpunode-vmss' is currently not "
        "available in location 'eastus2' zones '1' for subscription 's'.'.\"}",
        Reason.SKU_NOT_AVAILABLE, "https://github.com/Azure/azure-cli/issues/21308",
        pattern=r"is currently not available in location"),
    KnownError(
        "NotAvailableForSubscription", 400,
        "The VM size Standard_ND96isr_H100_v5 is not available for this subscription in this "
        "location.",
        Reason.SKU_NOT_AVAILABLE, "https://pkg.go.dev/github.com/Azure/ARO-RP/pkg/util/azureerrors",
        pattern=r"not available for this subscription"),
    KnownError(
        "BadRequest", 400,
        "The VM size of AgentPoolProfile:ws1 is not allowed in your subscription in location "
        "'australiaeast'. The available VM sizes are 'standard_d16a_v4,standard_d16as_v4'. For "
        "more details, please visit https://aka.ms/cpu-quota",
        Reason.SKU_NOT_AVAILABLE, "https://github.com/jamesbannan/pluralsight/issues/10",
        pattern=r"VM size .*not (allowed|available|supported) in (your subscription|location)"),
    KnownError(
        "AvailabilityZoneNotSupported", 400,
        "The zone(s) '1' for resource 'ws1' is not supported. The supported zones for location "
        "'eastus' are '2,3'",
        Reason.SKU_NOT_AVAILABLE, f"{AKS}/error-codes/availabilityzonenotsupported-error",
        pattern=r"zone\(s\) '.*' for resource .* is not supported"),
    KnownError(
        "ErrCode_InsufficientVCPUQuota", 400,
        "Insufficient regional vcpu quota left for location eastus. left regional vcpu quota 0, "
        "requested quota 6.",
        Reason.QUOTA_EXCEEDED, f"{AKS}/error-codes/quota-exceeded-error",
        pattern=r"Insufficient (regional )?vcpu quota"),
    KnownError(
        "QuotaExceeded", None,
        "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: "
        "8, Additional requested: 6",
        Reason.QUOTA_EXCEEDED, f"{AKS}/error-codes/quota-exceeded-error",
        pattern=r"exceeding quota limits of Core"),
    KnownError(
        "OperationNotAllowed", 409,
        "Operation could not be completed as it results in exceeding approved standardNCSv3Family "
        "Cores quota. Additional details - Deployment Model: Resource Manager, Location: eastus, "
        "Current Limit: 0, Current Usage: 0, Additional Required: 6.",
        Reason.QUOTA_EXCEEDED, f"{ARM}/troubleshooting/error-resource-quota",
        pattern=r"exceeding (approved|quota)|Cores quota"),
    KnownError(
        "ResourceQuotaExceeded", 409,
        "Creating the resource of type 'Microsoft.Compute/virtualMachineScaleSets' would exceed "
        "the quota of '800' resources of that type per resource group.",
        Reason.LIMIT_REACHED, COMMON_ERRORS,
        pattern=r"would exceed the quota of '\d+' resources"),
    KnownError(
        "AllocationFailed", None,
        "The VM allocation failed due to an internal error. Please retry later or try deploying to "
        "a different location.",
        Reason.INSUFFICIENT_CAPACITY, f"{AKS}/error-codes/zonalallocation-allocationfailed-error",
        pattern=r"VM allocation failed"),
    KnownError(
        "ZonalAllocationFailed", None,
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this "
        "zone. Read more about improving likelihood of allocation success at "
        "https://aka.ms/allocation-guidance.",
        Reason.INSUFFICIENT_CAPACITY, f"{AKS}/error-codes/zonalallocation-allocationfailed-error",
        pattern=r"sufficient capacity for the requested VM size"),
    KnownError(
        "OverconstrainedAllocationRequest", None,
        "Create or update VMSS failed. Allocation failed. VM(s) with the following constraints "
        "cannot be allocated, because the condition is too restrictive. Please remove some "
        "constraints and try again. Constraints applied are: - Networking Constraints - VM Size",
        Reason.INSUFFICIENT_CAPACITY, "https://github.com/Azure-Samples/aks-store-demo/issues/115",
        pattern=r"constraints cannot be allocated"),
    KnownError(
        "OverconstrainedZonalAllocationRequest", None,
        "Allocation failed. VM(s) with the following constraints cannot be allocated, because the "
        "condition is too restrictive. Constraints applied are: - Availability Zone - VM Size",
        Reason.INSUFFICIENT_CAPACITY, "https://github.com/jenkins-infra/helpdesk/issues/3584"),
    KnownError(
        "AksCapacityHeavyUsage", 400,
        "AKS is experiencing heavy usage in region eastus. We are working on adding new capacity.",
        Reason.CLOUD_UNAVAILABLE, f"{AKS}/error-codes/akscapacityheavyusage-error",
        pattern=r"AKS is experiencing heavy usage"),
    KnownError(
        "VMCacheSizeTooSmall", 400,
        "The virtual machine size Standard_NC6s_v3 has a cache size of 0 bytes, but the OS disk "
        "requires 137438953472 bytes. Use a VM size with larger cache or disable ephemeral OS.",
        Reason.LAUNCH_FAILED, f"{TERRAFORM_ISSUES}/15200",
        pattern=r"has a cache size of \d+ bytes", remedy=_MANAGED_DISK),
    KnownError(
        "VMSizeDoesNotSupportEphemeralOS", 400,
        "The Virtual Machine size Standard_NC6 does not support Ephemeral OS disk.",
        Reason.LAUNCH_FAILED, f"{AKS_ISSUES}/2694",
        pattern=r"does not support Ephemeral OS disk", remedy=_MANAGED_DISK),
    KnownError(
        "InvalidParameter", None,
        "VMSSAgentPoolReconciler retry failed: deployment operations failed with error messages: "
        "{\"code\": \"InvalidParameter\", \"message\": \"The property "
        "'securityProfile.encryptionAtHost' is not valid because the 'Microsoft.Compute/"
        "EncryptionAtHost' feature is not enabled for this subscription.\", \"target\": "
        "\"securityProfile.encryptionAtHost\"}",
        Reason.LAUNCH_FAILED, "https://github.com/Azure/azure-cli/issues/16788",
        pattern=r"feature is not enabled for this subscription",
        remedy="Register the feature Microsoft.Compute/EncryptionAtHost, or set "
        "gpu-provisioner.settings.encryptionAtHost to false."),
)  # fmt: skip
