"""The subnet or the network around it cannot take the machine. Another size does not help."""

from gpu_provisioner.cloud.azure.known_errors.known_error import (
    AKS,
    AKS_ISSUES,
    COMMON_ERRORS,
    Kind,
    KnownError,
)
from kaito_api.reasons import Reason

_OTHER_SUBNET = "Set gpu-provisioner.settings.nodeSubnetId to a subnet that AKS may use."

NETWORK = (
    KnownError(
        "SubnetIsFull", None,
        "VMSSAgentPoolReconciler retry failed: Code='SubnetIsFull' Message='Subnet gpu with "
        "address prefix 10.0.0.0/27 does not have enough capacity for 1 IP addresses.' Details=[]",
        Reason.SUBNET_FULL, f"{AKS}/create-upgrade-delete/error-code-subnetisfull-upgrade",
        pattern=r"does(n't| not) have enough capacity for( \d+)? IP addresses"),
    KnownError(
        "InsufficientSubnetSize", 400,
        "Pre-allocated IPs 255 exceeds IPs available 251 in Subnet Cidr 10.10.0.0/24, Subnet Name "
        "AKS. http://aka.ms/aks/insufficientsubnetsize",
        Reason.SUBNET_FULL, f"{AKS_ISSUES}/3653",
        pattern=r"Pre-allocated IPs \d+ exceeds IPs available"),
    KnownError(
        "SubnetIsDelegated", 400,
        "AgentPoolProfile subnet with id /subscriptions/s/subnets/gpu cannot be used as it's a "
        "delegated subnet. Please check https://aka.ms/adv-network-prerequest for more details.",
        Reason.LAUNCH_FAILED, f"{AKS}/error-codes/subnetisdelegated-error",
        pattern=r"it's a delegated subnet", remedy=_OTHER_SUBNET),
    KnownError(
        "SubnetWithExternalResourcesCannotBeUsedByOtherResources", 400,
        "Subnet gpu referenced by /subscriptions/s/aks-ws1-vmss has external resources and cannot "
        "be used by other resources.",
        Reason.LAUNCH_FAILED,
        f"{AKS}/error-codes/subnetwithexternalresourcescannotbeusedbyotherresources-error",
        remedy=_OTHER_SUBNET),
    KnownError(
        "VirtualNetworkNotInSucceededState", 400,
        "Set virtual network ownership failed. Virtual network /subscriptions/s/virtualNetworks/v "
        "is in Updating state. It needs to be in Succeeded state in order to set resource "
        "ownership.",
        Reason.CLOUD_UNAVAILABLE, f"{AKS}/error-codes/virtualnetworknotinsucceededstate-error",
        Kind.BUSY, pattern=r"needs to be in Succeeded state"),
    KnownError(
        "InvalidResourceReference", 400,
        "Resource /subscriptions/s/subnets/gpu referenced by resource /subscriptions/s/aks-ws1-vmss"
        " was not found. Please make sure that the referenced resource exists, and that both "
        "resources are in the same region.",
        Reason.LAUNCH_FAILED, f"{AKS}/error-codes/invalidresourcereference-error",
        pattern=r"referenced by resource \S+ was not found", remedy=_OTHER_SUBNET),
    KnownError(
        "PrivateIPAddressNotInSubnet", 400,
        "Private static IP address 10.0.9.9 does not belong to the range of subnet prefix "
        "10.0.0.0/24.",
        Reason.LAUNCH_FAILED, COMMON_ERRORS),
    KnownError(
        "PublicIPCountLimitReached", None,
        "Cannot create more than 20 public IP addresses for this subscription in this region.",
        Reason.LIMIT_REACHED, f"{AKS}/error-codes/publicipcountlimitreached-error",
        pattern=r"Cannot create more than \d+ public IP addresses"),
)  # fmt: skip
