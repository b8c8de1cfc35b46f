"""The cloud's words, and the reasons that users read."""

import pytest

from gpu_provisioner.azure.errors import refusal

CASES = [
    ("ErrCode_InsufficientVCPUQuota", "Insufficient regional vcpu quota left for location eastus. "
     "left regional vcpu quota 0, requested quota 6.", "QuotaExceeded"),
    ("OperationNotAllowed", "Operation could not be completed as it results in exceeding approved "
     "standardNCSv3Family Cores quota.", "QuotaExceeded"),
    ("SkuNotAvailable", "The requested size is currently not available in location 'eastus'.",
     "SkuNotAvailable"),
    ("BadRequest", "The VM size of Standard_X is not allowed in your subscription in location "
     "'eastus'.", "SkuNotAvailable"),
    ("BadRequest", "The VM size of Standard_X is not allowed in your subscription in location "
     "'eastus'. The available VM sizes are 'standard_a,standard_b'. For more details, please visit "
     "https://aka.ms/cpu-quota", "SkuNotAvailable"),
    ("AllocationFailed", "Allocation failed. We do not have sufficient capacity for the requested "
     "VM size in this region.", "InsufficientCapacity"),
    ("ZonalAllocationFailed", "", "InsufficientCapacity"),
    ("InternalError", "Something broke", "LaunchFailed"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "reason"), CASES, ids=[c[0] + c[2] for c in CASES])
def test_refusals_carry_a_reason(code: str, message: str, reason: str) -> None:
    error = refusal(code, message)
    assert error.reason == reason
    assert code in error.message


def test_long_lists_are_left_out_and_the_remedy_stays() -> None:
    sizes = ",".join(f"standard_d{number}s_v5" for number in range(200))
    start = "The VM size of X is not allowed in your subscription in location 'eastus'."
    message = f"{start} The available VM sizes are '{sizes}'."
    told = refusal("BadRequest", message).message
    assert "standard_d7s_v5" not in told
    assert told.endswith("Use another resource.instanceType, region or zone.")


def test_any_other_long_message_is_cut() -> None:
    assert len(refusal("InternalError", "x" * 5000).message) < 600
