"""Failures on the way to a node: quota, SKUs, capacity, identity, machines."""

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
    """A scenario with a fault of the emulator; one that strikes only once needs no fix."""

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
        count=1,
    ),
    _of_azure(
        "missing permissions", "CloudUnauthorized", "Contributor", "forbidden", operation=_PUT
    ),
    _of_azure(
        "a throttled subscription",
        "CloudUnavailable",
        "429",
        "throttled",
        operation=_PUT,
        seconds=20,
        count=1,
    ),
    _of_azure(
        "an operation that fails",
        "LaunchFailed",
        "InternalExecutionError",
        "operation-fails",
        fixable=False,
        operation=_PUT,
        count=1,
    ),
    _of_azure("a node that never joins", "RegistrationTimeout", "did not join", "never-joins"),
)
