"""What goes wrong on the way to a node: quota, SKUs, capacity, identity, machines."""

from tools.demo import cloud
from tools.demo.kubectl import Kubectl
from tools.demo.troubles.trouble import Manifest, Trouble


def _of_azure(
    title: str, reason: str, words: str, fault: str, *, mended: bool = True, **options: object
) -> Trouble:
    """`fault` and `options` are the emulator's; a fault that strikes once needs no mending."""

    def strike(_: Kubectl, __: Manifest) -> None:
        cloud.set_fault(fault, **options)

    def mend(_: Kubectl) -> None:
        cloud.clear_faults()

    return Trouble(
        title=title,
        condition="ResourceReady",
        reason=reason,
        words=words,
        break_=strike,
        mend=mend if mended else None,
        seconds=240,
    )


_PUT = "agentPools.put"

TROUBLES: tuple[Trouble, ...] = (
    _of_azure("no quota for the family", "QuotaExceeded", "standardNCSv3Family", "no-family-quota"),
    _of_azure("no quota left in the region", "QuotaExceeded", "eastus", "no-regional-quota"),
    _of_azure(
        "a quota that only AKS knows of",
        "QuotaExceeded",
        "ErrCode_InsufficientVCPUQuota",
        "no-family-quota",
        hidden=True,
    ),
    _of_azure(
        "SKU not sold in the region", "SkuNotAvailable", "Standard_NC6s_v3", "sku-not-available"
    ),
    _of_azure(
        "a disabled subscription", "SubscriptionDisabled", "subscription", "subscription-disabled"
    ),
    _of_azure(
        "no capacity, found late",
        "InsufficientCapacity",
        "AllocationFailed",
        "allocation-failed",
        count=1,
    ),
    _of_azure(
        "an identity that may not", "CloudUnauthorized", "Contributor", "forbidden", operation=_PUT
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
        mended=False,
        operation=_PUT,
        count=1,
    ),
    _of_azure("a node that never joins", "RegistrationTimeout", "did not join", "never-joins"),
)
