"""The machine exists: it cannot set itself up, or it cannot be given back."""

from gpu_provisioner.cloud.azure.known_errors.known_error import (
    AKS,
    AKS_ISSUES,
    COMMON_ERRORS,
    TERRAFORM_ISSUES,
    KnownError,
)
from kaito_api.reasons import Reason


def _setup(code: str, page: str, status: int, text: str) -> KnownError:
    """Return a failure of the script that turns a machine into a node."""
    message = (
        f"VM has reported a failure when processing extension 'vmssCSE'. Error message: Enable "
        f"failed: command terminated with exit status={status}. {text}"
    )
    return KnownError(
        code, None, message, Reason.NODE_SETUP_FAILED, f"{AKS}/error-codes/{page}",
        pattern=rf"'vmssCSE'.*exit status={status}\b",
    )  # fmt: skip


MACHINES = (
    _setup("VMExtensionError_OutboundConnFail", "vmextensionerror-outboundconnfail", 50,
           "nc: connect to mcr.microsoft.com port 443 (tcp) failed: Connection timed out"),
    _setup("VMExtensionError_K8SAPIServerConnFail", "vmextensionerror-k8sapiserverconnfail", 51,
           "Unable to establish connection from agents to the Kubernetes API server."),
    _setup("VMExtensionError_K8SAPIServerDNSLookupFail",
           "vmextensionerror-k8sapiserverdnslookupfail", 52,
           "Agents are unable to resolve the Kubernetes API server name."),
    _setup("VMExtensionError_K8SDownloadTimeout", "vmextensionerror-k8sdownloadtimeout", 31,
           "Failed to download the Kubernetes binaries."),
    _setup("VMExtensionError_CniDownloadTimeout", "vmextensionerror-cnidownloadtimeout", 41,
           "Failed to download the CNI plugins."),
    _setup("VMExtensionError_VHDFileNotFound", "vmextensionerror-vhdfilenotfound", 124,
           "A file of the node image is missing."),
    KnownError(
        "VMExtensionProvisioningError", None,
        "VM has reported a failure when processing extension 'vmssCSE' of 'aks-ws1-vmss000000': "
        "the driver was not installed. More information on troubleshooting is available at "
        "https://aka.ms/VMExtensionCSELinux",
        Reason.NODE_SETUP_FAILED, f"{AKS}/error-codes/vmextensionerror-provisioningtimeout",
        pattern=r"failure when processing extension"),
    KnownError(
        "PodDrainFailure", None,
        "VMSSAgentPoolReconciler retry failed: {\n  \"code\": \"PodDrainFailure\",\n  \"message\": "
        "\"Node 'aks-ws1-vmss000000' failed to be drained with error: 'Drain did not complete pods "
        "[web-0] within 10m0s'\"\n }",
        Reason.TERMINATION_BLOCKED, f"{TERRAFORM_ISSUES}/10411", pattern=r"failed to be drained"),
    KnownError(
        "UpgradeFailed", None,
        "Drain node aks-ws1-vmss000000 failed when evicting pod web-0 failed with Too Many "
        "Requests error. This is often caused by a restrictive Pod Disruption Budget (PDB) policy. "
        "See https://aka.ms/aks/debugdrainfailures.",
        Reason.TERMINATION_BLOCKED, f"{AKS}/create-upgrade-delete/error-code-poddrainfailure",
        pattern=r"failed when evicting pod"),
    KnownError(
        "UnsatisfiablePDB", 400,
        "1 error occurred: PDB default/web has maxUnavailable == 0, can't proceed with put "
        "operation",
        Reason.TERMINATION_BLOCKED, f"{AKS}/error-codes/unsatisfiablepdb-error",
        pattern=r"PDB \S+ has m(axUnavailable|inAvailable)"),
    KnownError(
        "NodePoolMcVersionIncompatible", 400,
        "Node pool version 1.33.1 and control plane version 1.31.2 are incompatible. Minor version "
        "of node pool cannot be bigger than control plane version.",
        Reason.LAUNCH_FAILED, f"{AKS}/error-codes/nodepoolmcversionincompatible-error"),
    KnownError(
        "AgentPoolAPIsNotSupported", 400,
        "AgentPool APIs supported only for clusters with VMSS agentpools. For more information, "
        "please check https://aka.ms/multiagentpoollimitations",
        Reason.LAUNCH_FAILED, "https://github.com/MicrosoftDocs/azure-docs/issues/24942"),
    KnownError(
        "InternalServerError", None,
        "Encountered internal server error. Diagnostic information: timestamp, subscription id.",
        Reason.LAUNCH_FAILED, COMMON_ERRORS),
    KnownError(
        "InternalOperationError", 500,
        "We are unable to serve this request due to an internal error, Correlation ID: f7e8, "
        "Operation ID: 5d39, Timestamp: 2022-10-07T16:02:29Z.",
        Reason.CLOUD_UNAVAILABLE,
        "https://github.com/horsdal/microservices-in-dotnet-book-second-edition/issues/4"),
    KnownError(
        "ReconcileVMSSAgentPoolFailed", None,
        "We are unable to serve this request due to an internal error, Correlation ID: 9f47, "
        "Operation ID: b823, Timestamp: 2023-04-03T17:32:05Z.",
        Reason.LAUNCH_FAILED, "https://github.com/microsoft/azure-pipelines-terraform/issues/143",
        pattern=r"unable to serve this request due to an internal error"),
    KnownError(
        "ControlPlaneProvisioningInternalError", None,
        "Internal server error",
        Reason.LAUNCH_FAILED, f"{AKS_ISSUES}/240"),
)  # fmt: skip
