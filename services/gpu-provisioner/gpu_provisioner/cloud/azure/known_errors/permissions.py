"""A rule of the subscription's owner forbids the call: a policy, a missing role, a lock."""

from gpu_provisioner.cloud.azure.known_errors.known_error import (
    AKS,
    AKS_ISSUES,
    COMMON_ERRORS,
    Kind,
    KnownError,
)
from kaito_api.reasons import Reason

_REGISTER = "Run az provider register --namespace with the namespace that the message names."

PERMISSIONS = (
    KnownError(
        "RequestDisallowedByPolicy", 403,
        "Resource 'ws1' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":"
        "{\"name\":\"Deny-GPU-quota\",\"id\":\"/subscriptions/s/providers/Microsoft.Authorization/"
        "policyAssignments/0123\"},\"policyDefinition\":{\"name\":\"Allowed virtual machine size "
        "SKUs\",\"id\":\"/providers/Microsoft.Authorization/policyDefinitions/cccc\"}}]'.",
        Reason.POLICY_DENIED, f"{AKS}/error-codes/requestdisallowedbypolicy-error",
        pattern=r"disallowed by (one or more )?polic"),
    KnownError(
        "LinkedAuthorizationFailed", 403,
        "The client 'c' with object id 'c' has permission to perform action "
        "'Microsoft.ContainerService/managedClusters/agentPools/write' on scope '/subscriptions/s/"
        "resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/k/agentPools/ws1'; "
        "however, it does not have permission to perform action 'Microsoft.Network/virtualNetworks/"
        "subnets/join/action' on the linked scope(s) '/subscriptions/s/resourceGroups/g/providers/"
        "Microsoft.Network/virtualNetworks/v/subnets/gpu' or the linked scope(s) are invalid.",
        Reason.SUBNET_UNAUTHORIZED, f"{AKS}/error-codes/linkedauthorizationfailed-error",
        Kind.UNAUTHORIZED, pattern=r"on the linked scope"),
    KnownError(
        "AuthorizationFailed", 403,
        "The client 'c' with object id 'c' does not have authorization to perform action "
        "'Microsoft.ContainerService/managedClusters/agentPools/write' over scope '/subscriptions/s"
        "' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        Reason.CLOUD_UNAUTHORIZED, COMMON_ERRORS, Kind.UNAUTHORIZED,
        pattern=r"does not have authorization to perform action"),
    KnownError(
        "InvalidAuthenticationTokenTenant", 401,
        "The access token is from the wrong issuer. It must match the tenant associated with this "
        "subscription.",
        Reason.CLOUD_UNAUTHORIZED, COMMON_ERRORS, Kind.UNAUTHORIZED),
    KnownError(
        "ServicePrincipalValidationClientError", 400,
        "The credentials in ServicePrincipalProfile were invalid. Please see "
        "https://aka.ms/aks-sp-help for more details.",
        Reason.CLOUD_UNAUTHORIZED,
        f"{AKS}/error-codes/serviceprincipalvalidationclienterror-error", Kind.UNAUTHORIZED,
        remedy="Renew the credentials of the cluster's own service principal with az aks "
        "update-credentials."),
    KnownError(
        "ScopeLocked", 409,
        "The scope '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/"
        "managedClusters/k/agentPools/ws1' cannot perform delete operation because following "
        "scope(s) are locked: '/subscriptions/s/resourceGroups/g'. Please remove the lock and try "
        "again.",
        Reason.RESOURCE_LOCKED, f"{AKS_ISSUES}/329", pattern=r"scope\(s\) are locked"),
    KnownError(
        "BadRequest", None,
        "Resource group 'MC_g_k_eastus' under subscription: 's' is locked, please remove lock and "
        "retry. Please see http://aka.ms/azure-lock-resources",
        Reason.RESOURCE_LOCKED, f"{AKS_ISSUES}/3291", pattern=r"is locked, please remove lock"),
    KnownError(
        "MissingSubscriptionRegistration", 409,
        "The subscription is not registered to use namespace 'Microsoft.Compute'. See "
        "https://aka.ms/rps-not-found for how to register subscriptions.",
        Reason.LAUNCH_FAILED, f"{AKS}/error-codes/missingsubscriptionregistration-error",
        pattern=r"not registered to use namespace", remedy=_REGISTER),
)  # fmt: skip
