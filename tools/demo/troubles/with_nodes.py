"""What goes wrong on the way to a node: quota, SKUs, capacity, identity, machines."""

from tools.demo import cloud
from tools.demo.kubectl import Kubectl
from tools.demo.troubles.trouble import Break, Manifest, Trouble

_READY = "ResourceReady"


def _fault(kind: str, **options: object) -> Break:
    def change(_: Kubectl, __: Manifest) -> None:
        cloud.set_fault(kind, **options)

    return change


def _no_faults(_: Kubectl) -> None:
    cloud.clear_faults()


TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        title="no quota for the family",
        condition=_READY,
        reason="QuotaExceeded",
        words="standardNCSv3Family",
        break_=_fault("no-family-quota"),
        mend=_no_faults,
    ),
    Trouble(
        title="no quota left in the region",
        condition=_READY,
        reason="QuotaExceeded",
        words="eastus",
        break_=_fault("no-regional-quota"),
        mend=_no_faults,
    ),
    Trouble(
        title="a quota that only AKS knows of",
        condition=_READY,
        reason="QuotaExceeded",
        words="ErrCode_InsufficientVCPUQuota",
        break_=_fault("no-family-quota", hidden=True),
        mend=_no_faults,
    ),
    Trouble(
        title="SKU not sold in the region",
        condition=_READY,
        reason="SkuNotAvailable",
        words="Standard_NC6s_v3",
        break_=_fault("sku-not-available"),
        mend=_no_faults,
    ),
    Trouble(
        title="a disabled subscription",
        condition=_READY,
        reason="SubscriptionDisabled",
        words="subscription",
        break_=_fault("subscription-disabled"),
        mend=_no_faults,
    ),
    Trouble(
        title="no capacity, found late",
        condition=_READY,
        reason="InsufficientCapacity",
        words="AllocationFailed",
        break_=_fault("allocation-failed", count=1),
    ),
    Trouble(
        title="an identity that may not",
        condition=_READY,
        reason="CloudUnauthorized",
        words="Contributor",
        break_=_fault("forbidden", operation="agentPools.put"),
        mend=_no_faults,
    ),
    Trouble(
        title="a throttled subscription",
        condition=_READY,
        reason="CloudUnavailable",
        words="429",
        break_=_fault("throttled", operation="agentPools.put", seconds=20, count=1),
        mend=_no_faults,
    ),
    Trouble(
        title="an operation that fails",
        condition=_READY,
        reason="LaunchFailed",
        words="InternalExecutionError",
        break_=_fault("operation-fails", operation="agentPools.put", count=1),
    ),
    Trouble(
        title="a node that never joins",
        condition=_READY,
        reason="RegistrationTimeout",
        words="did not join",
        break_=_fault("never-joins"),
        mend=_no_faults,
        seconds=240,
    ),
)
