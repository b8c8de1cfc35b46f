"""Failures on the way to a node: quota, SKUs, capacity, identity, machines."""

import json

from tools.demo import cloud
from tools.demo.failures.scenario import FailureScenario, Manifest
from tools.demo.kubectl import Kubectl


def _of_azure(
    title: str,
    reason: str,
    message_contains: str,
    fault: str,
    *,
    fixable: bool = True,
    **options: object,
) -> FailureScenario:
    """A scenario with a fault of the emulator, which stays until it is fixed: what the user reads
    must not depend on when they look."""

    def strike(_: Kubectl, __: Manifest) -> None:
        cloud.set_fault(fault, **options)

    def fix(_: Kubectl) -> None:
        cloud.clear_faults()

    return FailureScenario(
        title=title,
        condition="ResourceReady",
        reason=reason,
        message_contains=message_contains,
        inject=strike,
        fix=fix if fixable else None,
        timeout_seconds=240,
    )


_PUT = "agentPools.put"
# A name that must not be mistaken for a missing quota.
_POLICY = "Deny-GPU-quota"
_POLICY_WORDS = "GPU pools need a cost center: ask platform@example.com"


def _denied_by_policy() -> str:
    """The body of Azure's answer: the name of the policy is deep in `additionalInfo`."""
    info = {"policyAssignmentDisplayName": _POLICY, "policyAssignmentName": "4567"}
    error = {
        "code": "RequestDisallowedByPolicy",
        "target": "ws1",
        "message": f"Resource 'ws1' was disallowed by policy. Reasons: '{_POLICY_WORDS}'. "
        "See error details for policy resource IDs.",
        "additionalInfo": [{"type": "PolicyViolation", "info": info}],
    }
    return json.dumps({"error": error})


SCENARIOS: tuple[FailureScenario, ...] = (
    _of_azure("no quota for the family", "QuotaExceeded", "standardNCSv3Family", "no-family-quota"),
    _of_azure("no quota left in the region", "QuotaExceeded", "eastus", "no-regional-quota"),
    _of_azure(
        "quota that only AKS enforces",
        "QuotaExceeded",
        "ErrCode_InsufficientVCPUQuota",
        "no-family-quota",
        hidden=True,
    ),
    _of_azure(
        "SKU not available in the region",
        "SkuNotAvailable",
        "Standard_NC6s_v3",
        "sku-not-available",
    ),
    _of_azure(
        "a disabled subscription", "SubscriptionDisabled", "subscription", "subscription-disabled"
    ),
    _of_azure(
        "no capacity, reported late",
        "InsufficientCapacity",
        "AllocationFailed",
        "allocation-failed",
    ),
    _of_azure(
        "missing permissions", "CloudUnauthorized", "Contributor", "forbidden", operation=_PUT
    ),
    _of_azure(
        "a policy that forbids the pool",
        "PolicyDenied",
        f'{_POLICY_WORDS}\' (policy assignment "{_POLICY}")',
        "refused",
        fixable=False,
        operation=_PUT,
        status=403,
        body=_denied_by_policy(),
    ),
    _of_azure(
        "a subnet without free addresses, reported late",
        "SubnetFull",
        "Subnet gpu with address prefix 10.0.0.0/27",
        "operation-fails",
        fixable=False,
        operation=_PUT,
        code="SubnetIsFull",
        message="Subnet gpu with address prefix 10.0.0.0/27 does not have enough capacity for 1 IP "
        "addresses.",
    ),
    _of_azure(
        "a throttled subscription",
        "CloudUnavailable",
        "429",
        "throttled",
        operation=_PUT,
        seconds=20,
    ),
    _of_azure(
        "an operation that fails",
        "LaunchFailed",
        "InternalExecutionError",
        "operation-fails",
        fixable=False,
        operation=_PUT,
    ),
    _of_azure("a node that never joins", "RegistrationTimeout", "did not join", "never-joins"),
)
