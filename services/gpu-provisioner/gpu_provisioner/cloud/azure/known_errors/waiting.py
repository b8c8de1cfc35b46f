"""Nothing is wrong with the request: AKS is busy, or throttles."""

from gpu_provisioner.cloud.azure.known_errors.known_error import (
    AKS,
    AKS_ISSUES,
    COMMON_ERRORS,
    TERRAFORM_ISSUES,
    Kind,
    KnownError,
)
from kaito_api.reasons import Reason

_THROTTLED_MESSAGE = (
    "The server rejected the request because too many requests have been received for this "
    "subscription."
)
_BUSY = Reason.CLOUD_UNAVAILABLE

WAITING = (
    KnownError(
        "OperationNotAllowed", 409,
        "Operation is not allowed: Another agentpool operation (nodepool1 - Creating) is in "
        "progress, please wait for it to finish before starting a new operation. See "
        "https://aka.ms/aks-pending-operation for more details",
        _BUSY, "https://github.com/cilium/cilium/issues/25944", Kind.BUSY,
        pattern=r"operation \([\w -]+\) is in progress"),
    KnownError(
        "OperationNotAllowed", 409,
        "Operation is not allowed because there's an in progress PutExtensionAddonHandler.PUT "
        "operation (operation ID 8e6f) on the managed cluster started at 2026-06-08T10:00:00Z. "
        "Please wait for it to finish before starting a new operation.",
        _BUSY, "https://github.com/Azure/telescope/pull/1213", Kind.BUSY,
        pattern=r"there's an in progress .* operation"),
    KnownError(
        "OperationNotAllowed", 409,
        "managed cluster is in (Stopped) power state, agent pool operations are not allowed. Start "
        "the managed cluster first.",
        _BUSY, "https://learn.microsoft.com/azure/aks/start-stop-cluster", Kind.BUSY,
        pattern=r"managed cluster is in \(?Stopped"),
    KnownError(
        "AnotherOperationInProgress", 409,
        "Another operation on this or dependent resource is in progress. To retrieve status of the "
        "operation use uri.",
        _BUSY, COMMON_ERRORS, Kind.BUSY,
        pattern=r"Another operation on this or dependent resource"),
    KnownError(
        "EtagMismatch", 412, "Operation is not allowed: Etag mismatch.",
        _BUSY, "https://learn.microsoft.com/azure/aks/use-etags", Kind.BUSY,
        pattern=r"Etag (mismatch|doesn't match)"),
    KnownError(
        "AKSOperationPreempted", None,
        "This operation has been preempted by another operation with ID 8e6f",
        _BUSY, f"{AKS}/error-codes/aksoperationpreempted-error", Kind.BUSY,
        pattern=r"preempted by another operation"),
    KnownError(
        "AKSOperationPreemptedByDelete", None,
        "This operation has been preempted by Deleting operation.",
        _BUSY, f"{AKS}/error-codes/aksoperationpreempted-error", Kind.BUSY),
    KnownError(
        "Canceled", None,
        "The operation was overriden and canceled by a later operation "
        "c794ba84-73d1-4901-a484-2d6cebdf7286.",
        _BUSY, f"{TERRAFORM_ISSUES}/8260", Kind.BUSY, pattern=r"canceled by a later operation"),
    KnownError(
        "ResourceGroupBeingDeleted", 409,
        "The resource group 'MC_g_k_eastus' is in deprovisioning state and cannot perform this "
        "operation.",
        Reason.LAUNCH_FAILED, COMMON_ERRORS, pattern=r"is in deprovisioning state"),
    KnownError(
        "SubscriptionRequestsThrottled", 429,
        "Number of requests for subscription 's' and operation 'PUT/SUBSCRIPTIONS/RESOURCEGROUPS/"
        "PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/AGENTPOOLS' exceeded the backend "
        "storage limit. Please try again after '6' seconds.",
        _BUSY, f"{AKS}/error-codes/subscriptionrequeststhrottled", Kind.THROTTLED,
        pattern=r"Number of (read |write )?requests for subscription"),
    KnownError(
        "TooManyRequestsReceived", 429,
        "Number of read requests for subscription 's' exceeded the limit of '12000' for time "
        "interval '01:00:00'. Please try again after '6' seconds.",
        _BUSY, f"{AKS}/error-codes/toomanyrequestsreceived-error", Kind.THROTTLED),
    KnownError(
        "TooManyRequests", None,
        "Category: ClientError; SubCode: TooManyRequests; Dependency: Microsoft.Compute/"
        "VirtualMachineScaleSet; OrginalError: autorest/azure: Service returned an error. "
        f"Status=429 Code=\"OperationNotAllowed\" Message=\"{_THROTTLED_MESSAGE}\"",
        _BUSY, f"{AKS_ISSUES}/2417", Kind.THROTTLED,
        pattern=r"too many requests have been received"),
    KnownError(
        "OperationNotAllowed_TooManyRequests", None,
        "outboundReconciler retry failed: Category: ClientError; Code: Unspecified; SubCode: "
        f"OperationNotAllowed_TooManyRequests; Message: ; OrginalError: {_THROTTLED_MESSAGE}",
        _BUSY, f"{TERRAFORM_ISSUES}/19146", Kind.THROTTLED),
    KnownError(
        "Throttled", 429,
        "The PutAgentPoolHandler.PUT request limit has been exceeded for SubID='s', please retry "
        "again in 30 seconds. For more information, please visit aka.ms/aks/throttling",
        _BUSY, f"{AKS}/error-codes/throttled-error", Kind.THROTTLED,
        pattern=r"request limit has been exceeded for SubID"),
)  # fmt: skip
